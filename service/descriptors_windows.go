package service

// openFiles is how many files the system lets this process have open: Windows sets no limit to handles that would matter.
func openFiles() (files uint64, limited bool) { return 0, false }
