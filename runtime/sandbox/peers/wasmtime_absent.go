//go:build !cgo

package main

import "errors"

const withWasmtime = false

// wasmtimePair is not called: wasmtime is a C library.
func wasmtimePair(kernel) ([2]runner, error) { return [2]runner{}, errors.ErrUnsupported }
