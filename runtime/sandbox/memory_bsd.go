//go:build unix && !linux

package sandbox

const noReserve = 0 // address space is not counted as memory there
