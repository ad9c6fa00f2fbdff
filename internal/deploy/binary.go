package deploy

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"encoding/hex"
	"io"
	"time"

	"nightshift/internal/fleet"
)

// Architectures of AWS Lambda.
const (
	ARM64 = "arm64"
	X8664 = "x86_64"
)

// Binary is a program that can be the function.
type Binary struct {
	Path         string `json:"path"`
	Architecture string `json:"architecture"`
	Version      string `json:"version"`
	Bytes        int64  `json:"bytes"`
	SHA256       string `json:"sha256"` // names the archive that it is packed into
}

// CheckBinary reads what a program is, and refuses one that Lambda could not
// run: it must be a static ELF of Linux for the architecture, which may be
// empty. The version is that which Go wrote into it, devel where it wrote none.
func CheckBinary(path string, program []byte, architecture string) (Binary, error) {
	b := Binary{Path: path, Version: Devel, Bytes: int64(len(program)), SHA256: Hash(program)}
	refuse := func(why string) (Binary, error) {
		return Binary{}, fleet.Errorf(fleet.ErrInvalid, "%s %s; the function needs a static Linux program: name the release file for it with --binary (nightshift-linux-%s)",
			path, why, fileArchitecture(architecture))
	}
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return refuse("is not a Linux program (ELF)")
	}
	switch file.Machine {
	case elf.EM_AARCH64:
		b.Architecture = ARM64
	case elf.EM_X86_64:
		b.Architecture = X8664
	default:
		return refuse("is for " + file.Machine.String() + ", which Lambda does not have")
	}
	if file.Class != elf.ELFCLASS64 || file.OSABI != elf.ELFOSABI_NONE && file.OSABI != elf.ELFOSABI_LINUX {
		return refuse("is not a 64-bit program of Linux")
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return refuse("is linked dynamically (build it with CGO_ENABLED=0)")
		}
	}
	if file.Type != elf.ET_EXEC && file.Type != elf.ET_DYN {
		return refuse("is not executable")
	}
	if architecture != "" && architecture != b.Architecture {
		return refuse("is for " + b.Architecture + ", and the function is to run on " + architecture)
	}
	if info, err := buildinfo.Read(bytes.NewReader(program)); err == nil {
		if info.Path != "" && info.Path != "nightshift/cmd/nightshift" {
			return refuse("is another program (" + info.Path + ")")
		}
		if v := info.Main.Version; v != "" && v != "(devel)" {
			b.Version = v
		}
	}
	return b, nil
}

// fileArchitecture is how release files name an architecture.
func fileArchitecture(a string) string {
	switch a {
	case X8664:
		return "amd64"
	default:
		return "arm64"
	}
}

// Zip packs a program as Lambda wants it: a file named bootstrap that may be
// run. The same program gives the same bytes, wherever it is packed.
func Zip(program []byte) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.RegisterCompressor(zip.Deflate, func(to io.Writer) (io.WriteCloser, error) { return flate.NewWriter(to, flate.DefaultCompression) })
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	file, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Hash is the SHA-256 of a text in hexadecimal digits.
func Hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// TemplateHash is the part of a template's hash that stands in the stack's tag.
func TemplateHash(template string) string { return Hash([]byte(template))[:12] }
