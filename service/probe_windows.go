package service

import "os"

// probeSignal is one that Windows cannot send: there, a process that can be found is alive.
var probeSignal = os.Interrupt
