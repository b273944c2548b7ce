//go:build unix && !linux

package cluster

import "syscall"

// attributes give a process a group of its own, so that Ctrl-C reaches whoever runs the cluster alone.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
