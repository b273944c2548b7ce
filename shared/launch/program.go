package launch

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// program is a program file that may be started.
type program struct {
	path     string   // absolute
	execPath string   // what the operating system is told to start
	pinned   *os.File // open while a pinned program is started
}

// verify says what speaks against starting the program, before anything is started. A pinned
// program is hashed at each start. On Linux it is the very file that was hashed that is started, even if
// another one takes its name in between; scripts and other platforms start it by name. Neither helps
// against somebody who can write into the file itself: a pinned program must not be writable by others.
func verify(spec Spec) (*program, error) {
	path, err := filepath.Abs(spec.Path)
	if err != nil {
		return nil, incompatible(spec, "has no path", fault.Because(err))
	}
	spec.Path = path
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, notFound(spec)
	case err != nil:
		return nil, incompatible(spec, "cannot be looked at", fault.Because(err))
	case info.IsDir():
		return nil, incompatible(spec, "is a directory")
	case !info.Mode().IsRegular():
		return nil, incompatible(spec, "is no regular file")
	case !executable(path):
		return nil, incompatible(spec, "is not executable", fault.Hint("chmod +x %s", path))
	}
	p := &program{path: path, execPath: path}
	if spec.SHA256 != "" {
		if err := p.check(spec); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

func notFound(spec Spec) error {
	return fault.New(fault.BackendNotFound, fmt.Sprintf("the backend %s has no program at %s", quoted(spec.Name), spec.Path), fault.On(spec.Path),
		fault.From(fault.OriginHost), fault.Hint("atg backend list shows the backends that there are"))
}

// check compares the program with its pin.
func (p *program) check(spec Spec) (err error) {
	if p.pinned, err = os.Open(p.path); err != nil {
		return incompatible(spec, "cannot be read in order to check its SHA-256", fault.Because(err))
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, p.pinned); err != nil {
		return incompatible(spec, "cannot be read in order to check its SHA-256", fault.Because(err))
	}
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.EqualFold(got, spec.SHA256) {
		return fault.New(fault.Integrity, fmt.Sprintf("the program of the backend %s is not the one that is pinned: its SHA-256 is %s, the pinned one %s",
			quoted(spec.Name), got, spec.SHA256), fault.On(p.path), fault.From(fault.OriginHost),
			fault.Hint("%s", cmp.Or(spec.Repair, fmt.Sprintf("if you have replaced %s yourself, set backends.%s.sha256 to its new SHA-256", p.path, spec.Name))))
	}
	if p.interpreter() == "" {
		p.execPath = handlePath(p.pinned, p.path)
	}
	return nil
}

func (p *program) close() {
	if p.pinned != nil {
		_ = p.pinned.Close()
	}
}

// interpreter is the program that the first line of a script names, or that the header of an ELF
// program names as its dynamic loader's; empty if there is none.
func (p *program) interpreter() string {
	file, err := os.Open(p.path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	const most = 256 // of the kernel
	line, _ := bufio.NewReaderSize(io.LimitReader(file, most), most).ReadString('\n')
	rest, found := strings.CutPrefix(line, "#!")
	if fields := strings.Fields(rest); found && len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// execFault says why the operating system did not start the program.
func (p *program) execFault(spec Spec, err error) error {
	spec.Path = p.path
	here := runtime.GOOS + "/" + runtime.GOARCH
	var missing string
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := os.Stat(p.path); statErr != nil {
			return notFound(spec)
		}
		missing = p.interpreter()
		if missing == "" {
			missing = loaderOf(p.path)
		}
	}
	built := platformOf(p.path)
	switch {
	case missing != "":
		return incompatible(spec, "needs "+clean(missing)+", which is not there", fault.Hint("install it, or install a build of the backend for this system"))
	case built != "" && !strings.Contains(" "+built+" ", " "+here+" "):
		return incompatible(spec, fmt.Sprintf("was built for %s, and this is %s", built, here),
			fault.Hint("install the build of the backend for %s", here), fault.Because(err))
	case badFormat(err):
		return incompatible(spec, "is neither a program for "+here+" nor a script whose first line names its interpreter", fault.Because(err))
	}
	return incompatible(spec, "cannot be started", fault.Because(err))
}
