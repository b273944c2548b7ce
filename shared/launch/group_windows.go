package launch

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// group is a job object. It kills all its processes when its last handle is closed, be it because the
// host has died. What the backend starts before it is put into its job, some microseconds after its
// start, escapes it.
type group struct{ job, process windows.Handle }

// attributes keep Ctrl-C at the console from the process.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

func newGroup(p *os.Process) (g *group, err error) {
	g = &group{}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	if g.job, err = windows.CreateJobObject(nil, nil); err != nil {
		return nil, fmt.Errorf("make a job object: %w", err)
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	if _, err = windows.SetInformationJobObject(g.job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits))); err != nil {
		return nil, fmt.Errorf("set the job object's limits: %w", err)
	}
	const access = windows.PROCESS_SET_QUOTA | windows.PROCESS_TERMINATE | windows.SYNCHRONIZE
	if g.process, err = windows.OpenProcess(access, false, uint32(p.Pid)); err != nil {
		return nil, fmt.Errorf("open the backend's process: %w", err)
	}
	if err = windows.AssignProcessToJobObject(g.job, g.process); err != nil {
		return nil, fmt.Errorf("put the backend into its job object: %w", err)
	}
	return g, nil
}

// wait returns when the process has ended.
func (g *group) wait() { _, _ = windows.WaitForSingleObject(g.process, windows.INFINITE) }

// kill ends every process of the job.
func (g *group) kill() { _ = windows.TerminateJobObject(g.job, 1) }

func (g *group) close() {
	for _, h := range []windows.Handle{g.process, g.job} {
		if h != 0 {
			_ = windows.CloseHandle(h)
		}
	}
}
