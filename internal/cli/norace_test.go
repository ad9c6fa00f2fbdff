//go:build !race

package cli

// raceDetector is true where the race detector makes everything many times
// slower.
const raceDetector = false
