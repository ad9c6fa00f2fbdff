package deploy_test

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
)

// program is the smallest file that has the header of a program for Linux.
func program(t *testing.T, machine elf.Machine, segment elf.ProgType) []byte {
	t.Helper()
	var out bytes.Buffer
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	for _, part := range []any{header, elf.Prog64{Type: uint32(segment)}} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func TestCheckBinary(t *testing.T) {
	arm, intel := program(t, elf.EM_AARCH64, elf.PT_LOAD), program(t, elf.EM_X86_64, elf.PT_LOAD)
	for _, test := range []struct {
		name         string
		program      []byte
		architecture string
		want, wrong  string
	}{
		{"arm", arm, "", deploy.ARM64, ""},
		{"as asked", intel, deploy.X8664, deploy.X8664, ""},
		{"the other architecture", intel, deploy.ARM64, "", "is for x86_64, and the function is to run on arm64"},
		{"dynamic", program(t, elf.EM_X86_64, elf.PT_INTERP), "", "", "is linked dynamically"},
		{"another processor", program(t, elf.EM_RISCV, elf.PT_LOAD), "", "", "which Lambda does not have"},
		{"a script", []byte("#!/bin/sh\n"), "", "", "is not a Linux program (ELF)"},
		{"of a Mac", []byte("\xcf\xfa\xed\xfe\x0c\x00\x00\x01"), "", "", "is not a Linux program (ELF)"},
		{"empty", nil, "", "", "is not a Linux program (ELF)"},
	} {
		got, err := deploy.CheckBinary("nightshift", test.program, test.architecture)
		switch {
		case test.wrong == "" && (err != nil || got.Architecture != test.want || got.Version != deploy.Devel):
			t.Errorf("%s: got %+v and %v", test.name, got, err)
		case test.wrong != "" && (!errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), test.wrong) || !strings.Contains(err.Error(), "--binary")):
			t.Errorf("%s: got %v, want %q and --binary", test.name, err, test.wrong)
		}
	}
}

func TestZip(t *testing.T) {
	first, err := deploy.Zip([]byte("program"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := deploy.Zip([]byte("program"))
	if err != nil || !bytes.Equal(first, again) {
		t.Error("the same program gives other bytes")
	}
	r, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil || len(r.File) != 1 {
		t.Fatalf("the archive has %d files: %v", len(r.File), err)
	}
	file := r.File[0]
	if file.Name != "bootstrap" || file.Mode().Perm() != 0o755 || file.Modified.UTC().Year() != 1980 {
		t.Errorf("got %s with mode %o of %s", file.Name, file.Mode().Perm(), file.Modified)
	}
	content, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(content); err != nil || string(body) != "program" {
		t.Errorf("got %q and %v", body, err)
	}
}

func TestOlder(t *testing.T) {
	order := []string{"v0.9.0", "v1.2.3-0.20261130101500-0123456789ab", "v1.2.3-rc.1", "v1.2.3-rc.2", "v1.2.3-rc.10", "v1.2.3", "v1.10.0"}
	for n, a := range order {
		for m, b := range order {
			if got := deploy.Older(a, b); got != (n < m) {
				t.Errorf("%s older than %s: %t", a, b, got)
			}
		}
	}
	for _, unknown := range []string{deploy.Devel, "", "1.0.0", "v1.0"} {
		if deploy.Older(unknown, "v9.0.0") || deploy.Older("v0.0.1", unknown) {
			t.Errorf("%q cannot be compared", unknown)
		}
	}
}
