//go:build race

package graph_test

// raceEnabled is true where sync.Pool drops values at random.
const raceEnabled = true
