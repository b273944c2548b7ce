package conformance

import (
	"os"
	"os/exec"
)

// Programs are not looked at on Windows; see Subject.program.

func lead(*exec.Cmd) {}

func left(int) bool { return false }

func killGroup(int) {}

func diedOf(*os.ProcessState, os.Signal) bool { return false }

var interrupt, terminate = os.Interrupt, os.Kill
