package launch

import (
	"crypto/sha256"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// verify says what speaks against starting the program, before anything is started.
func verify(spec Spec) error {
	info, err := os.Stat(spec.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.BackendNotFound, fmt.Sprintf("the backend %q has no program at %s", spec.Name, spec.Path), fault.On(spec.Path),
			fault.Hint("atg backend list shows what there is"))
	case err != nil:
		return fault.New(fault.BackendIncompatible, fmt.Sprintf("the program of the backend %q cannot be looked at", spec.Name),
			fault.On(spec.Path), fault.Because(err))
	case !info.Mode().IsRegular():
		return unusable(spec, "is no file")
	case runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
		return fault.New(fault.BackendIncompatible, fmt.Sprintf("the program of the backend %q is not executable: %s", spec.Name, spec.Path),
			fault.On(spec.Path), fault.Hint("chmod +x %s", spec.Path))
	}
	if spec.SHA256 == "" {
		return nil
	}
	sum, err := sumOf(spec.Path)
	if err != nil {
		return fault.New(fault.BackendIncompatible, fmt.Sprintf("the program of the backend %q cannot be read", spec.Name), fault.On(spec.Path), fault.Because(err))
	}
	if !strings.EqualFold(sum, spec.SHA256) {
		return fault.New(fault.Integrity, fmt.Sprintf("the program of the backend %q has changed: its SHA-256 is %s, pinned is %s", spec.Name, sum, spec.SHA256),
			fault.On(spec.Path), fault.Hint("if the change is yours, set backends.%s.sha256 to the new value", spec.Name))
	}
	return nil
}

func unusable(spec Spec, why string, options ...fault.Option) error {
	return fault.New(fault.BackendIncompatible, fmt.Sprintf("the program of the backend %q %s: %s", spec.Name, why, spec.Path),
		append([]fault.Option{fault.On(spec.Path), fault.Hint("atg backend list shows what there is; reinstall the backend or choose another")}, options...)...)
}

func sumOf(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// builtFor tells from a program's header which platform it was built for; empty if it has none.
func builtFor(name string) string {
	if f, err := elf.Open(name); err == nil {
		defer func() { _ = f.Close() }()
		return "ELF (Linux) for " + strings.TrimPrefix(f.Machine.String(), "EM_")
	}
	if f, err := macho.Open(name); err == nil {
		defer func() { _ = f.Close() }()
		return "Mach-O (macOS) for " + strings.TrimPrefix(f.Cpu.String(), "Cpu")
	}
	if f, err := macho.OpenFat(name); err == nil {
		defer func() { _ = f.Close() }()
		return "Mach-O (macOS) for several processors"
	}
	if f, err := pe.Open(name); err == nil {
		defer func() { _ = f.Close() }()
		return fmt.Sprintf("PE (Windows) for %s", peMachine(f.Machine))
	}
	return ""
}

func peMachine(m uint16) string {
	switch m {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		return "amd64"
	case pe.IMAGE_FILE_MACHINE_ARM64:
		return "arm64"
	}
	return fmt.Sprintf("machine %#x", m)
}
