// Package random makes what looks random in the sandbox and depends on nothing
// but a seed: hashes, ids, sources of numbers.
package random

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"
)

// Hash hashes numbers to one that looks random: the finaliser of SplitMix64
// applied to each in turn.
func Hash(numbers ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, n := range numbers {
		h += n + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// HashText is Hash for a text (FNV-1a).
func HashText(seed uint64, s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return Hash(seed, h)
}

// Fraction turns a hash into a number from 0 up to 1.
func Fraction(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// New is a source of numbers; streams of one seed are independent.
func New(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

// ID is an id in EC2's long form: the prefix, a dash and 17 hex digits.
func ID(rng *rand.Rand, prefix string) string {
	return fmt.Sprintf("%s-0%016x", prefix, rng.Uint64())
}

// Between is a duration from least up to most.
func Between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)))
}

// UniqueID is the id of a thing in IAM, such as AROA and 17 letters for a role.
func UniqueID(prefix, text string) string {
	h := HashText(7, text)
	return prefix + base32.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, h), Hash(h)))[:17]
}
