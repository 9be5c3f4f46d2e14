//go:build race

package runtime_test

// slowness divides what a test does where the race detector is on.
const slowness = 5
