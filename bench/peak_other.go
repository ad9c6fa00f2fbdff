//go:build !unix

package main

import (
	"os"
	"time"
)

// peak is not reported by this system.
func peak(*os.ProcessState) int64 { return 0 }

// ownCPU is not reported, either.
func ownCPU() time.Duration { return 0 }
