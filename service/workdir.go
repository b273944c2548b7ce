package service

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
)

// workDir is the folder for the jobs of this process, below the data folder. What a process that was killed has
// left there is removed.
func workDir(dataDir string, logger *slog.Logger) string {
	work := filepath.Join(dataDir, "work")
	entries, _ := os.ReadDir(work) // none yet
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || alive(pid) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(work, e.Name())); err != nil {
			logger.Warn("the folder of an ended worker was not removed", "dir", filepath.Join(work, e.Name()), "error", err)
		}
	}
	return filepath.Join(work, fmt.Sprint(os.Getpid()))
}

// alive says whether a process of that id may be running.
func alive(pid int) bool {
	if pid == os.Getpid() {
		return false // this one has only begun
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = p.Signal(probeSignal)
	return !errors.Is(err, os.ErrProcessDone)
}
