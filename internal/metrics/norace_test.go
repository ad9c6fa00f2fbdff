//go:build !race

package metrics_test

// raceDetector is true where the race detector makes everything many times
// slower.
const raceDetector = false
