package cli_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/internal/deploy"
)

// Whoever uploads by hand uploads the archive that deploy would.
func TestDeployZip(t *testing.T) {
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_AARCH64), Version: uint32(elf.EV_CURRENT),
		Ehsize: 64, Phentsize: 56, Shentsize: 64,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	var program bytes.Buffer
	if err := binary.Write(&program, binary.LittleEndian, header); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, archive := filepath.Join(dir, "program"), filepath.Join(dir, "bootstrap.zip")
	if err := os.WriteFile(file, program.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := runOn(t, "http://127.0.0.1:1", "deploy", "--binary", file, "--zip", archive); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	got, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := deploy.Zip(program.Bytes()); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the archive has %d bytes, that of a deployment %d: %v", len(got), len(want), err)
	}
	if code, _, stderr := runOn(t, "http://127.0.0.1:1", "deploy", "--binary", file, "--zip", archive, "--yes"); code != 5 || !strings.Contains(stderr, "--zip") {
		t.Errorf("--zip --yes: exit code %d: %s", code, stderr)
	}
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := runOn(t, "http://127.0.0.1:1", "deploy", "--binary", file, "--zip", archive); code != 5 || !strings.Contains(stderr, "--binary") {
		t.Errorf("a script: exit code %d: %s", code, stderr)
	}
}

// make dist packs by the same command.
func TestMakeDist(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, recipe, _ := strings.Cut(string(makefile), "\ndist: ")
	recipe, _, _ = strings.Cut(recipe, "\n\n")
	_, commands, _ := strings.Cut(recipe, "\n")
	if want := "\tgo run ./cmd/nightshift deploy --binary bootstrap --zip bootstrap.zip"; commands != want {
		t.Errorf("make dist runs %q, want %q", commands, want)
	}
}
