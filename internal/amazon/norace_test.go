//go:build !race

package amazon_test

// largeFleet is how many instances a large fleet has.
const largeFleet = 10_000
