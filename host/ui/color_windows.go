package ui

import "golang.org/x/sys/windows"

// obeysEscapes lets a Windows console understand escape sequences, and says whether it does: those before Windows 10 of
// 2016 cannot, and would show them. What is printed needs no code page, since Go hands a console UTF-16.
func obeysEscapes(fd uintptr) bool {
	var mode uint32
	handle := windows.Handle(fd)
	if windows.GetConsoleMode(handle, &mode) != nil {
		return false
	}
	return mode&windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0 ||
		windows.SetConsoleMode(handle, mode|windows.ENABLE_PROCESSED_OUTPUT|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
