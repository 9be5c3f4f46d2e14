//go:build race

package sandbox_test

// raceEnabled is true where everything takes ten times as long.
const raceEnabled = true
