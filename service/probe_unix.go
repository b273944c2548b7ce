//go:build unix

package service

import "syscall"

// probeSignal reaches a process without doing anything to it.
const probeSignal = syscall.Signal(0)
