//go:build !race

package runtime_test

const slowness = 1
