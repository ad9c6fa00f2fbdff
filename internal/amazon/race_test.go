//go:build race

package amazon_test

// largeFleet is how many instances a large fleet has: with the race detector on,
// ten thousand of them would be most of the time that all tests take.
const largeFleet = 1000
