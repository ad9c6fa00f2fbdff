//go:build race

package web_test

// slow is by how much the race detector may slow everything down.
const slow = 20
