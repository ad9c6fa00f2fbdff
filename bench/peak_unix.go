//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// ownCPU is the CPU time that this process has used.
func ownCPU() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// peak is the highest resident set of an ended process in bytes. getrusage(2)
// reports it in kibibytes, except on macOS.
func peak(p *os.ProcessState) int64 {
	r, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	highest := int64(r.Maxrss) //nolint:unconvert // 32 bits on some systems
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
		highest *= 1024
	}
	return highest
}
