package launch

import (
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"strings"
)

// The processors of the three formats, by Go's names for them.
var (
	elfProcessors = map[elf.Machine]string{
		elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_386: "386", elf.EM_ARM: "arm", elf.EM_RISCV: "riscv64",
		elf.EM_PPC64: "ppc64", elf.EM_S390: "s390x", elf.EM_LOONGARCH: "loong64", elf.EM_MIPS: "mips",
	}
	machoProcessors = map[macho.Cpu]string{
		macho.CpuAmd64: "amd64", macho.CpuArm64: "arm64", macho.Cpu386: "386", macho.CpuArm: "arm", macho.CpuPpc64: "ppc64",
	}
	peProcessors = map[uint16]string{
		pe.IMAGE_FILE_MACHINE_AMD64: "amd64", pe.IMAGE_FILE_MACHINE_ARM64: "arm64", pe.IMAGE_FILE_MACHINE_I386: "386",
		pe.IMAGE_FILE_MACHINE_ARMNT: "arm",
	}
	elfSystems = map[elf.OSABI]string{
		elf.ELFOSABI_NONE: "linux", elf.ELFOSABI_LINUX: "linux", elf.ELFOSABI_FREEBSD: "freebsd",
		elf.ELFOSABI_NETBSD: "netbsd", elf.ELFOSABI_OPENBSD: "openbsd", elf.ELFOSABI_SOLARIS: "solaris",
	}
)

// platformOf tells from a program's header which platforms it was built for, as Go names them:
// linux/amd64, or "darwin/amd64 darwin/arm64". Empty means that it has no such header.
func platformOf(path string) string {
	if f, err := elf.Open(path); err == nil {
		defer func() { _ = f.Close() }()
		processor := known(elfProcessors, f.Machine)
		if f.Machine == elf.EM_PPC64 && f.Data == elf.ELFDATA2LSB {
			processor = "ppc64le"
		}
		return known(elfSystems, f.OSABI) + "/" + processor
	}
	if f, err := macho.Open(path); err == nil {
		defer func() { _ = f.Close() }()
		return "darwin/" + known(machoProcessors, f.Cpu)
	}
	if f, err := macho.OpenFat(path); err == nil {
		defer func() { _ = f.Close() }()
		var all []string
		for _, a := range f.Arches {
			all = append(all, "darwin/"+known(machoProcessors, a.Cpu))
		}
		return strings.Join(all, " ")
	}
	if f, err := pe.Open(path); err == nil {
		defer func() { _ = f.Close() }()
		return "windows/" + known(peProcessors, f.Machine)
	}
	return ""
}

// known is a number's name, or the number.
func known[K comparable](names map[K]string, k K) string {
	if name, ok := names[k]; ok {
		return name
	}
	return fmt.Sprint(k)
}

// loaderOf is the dynamic loader that an ELF program names; empty if it needs none.
func loaderOf(path string) string {
	f, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	for _, segment := range f.Progs {
		if segment.Type != elf.PT_INTERP {
			continue
		}
		name := make([]byte, min(segment.Filesz, 256))
		n, _ := segment.ReadAt(name, 0)
		return strings.TrimRight(string(name[:n]), "\x00")
	}
	return ""
}
