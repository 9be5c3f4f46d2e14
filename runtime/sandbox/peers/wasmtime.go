//go:build cgo

package main

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v39"
)

const withWasmtime = true

// wasmtimePair returns the kernel on wasmtime, with and without its fuel; all
// else is as wasmtime comes.
func wasmtimePair(k kernel) (pair [2]runner, err error) {
	for i, fuel := range []bool{true, false} {
		config := wasmtime.NewConfig()
		config.SetConsumeFuel(fuel)
		store := wasmtime.NewStore(wasmtime.NewEngineWithConfig(config))
		module, err := wasmtime.NewModule(store.Engine, k.code)
		if err != nil {
			return pair, err
		}
		if fuel { // which instantiation takes some of
			if err := store.SetFuel(kernelFuel); err != nil {
				return pair, err
			}
		}
		instance, err := wasmtime.NewInstance(store, module, nil)
		if err != nil {
			return pair, err
		}
		function := instance.GetFunc(store, "run")
		pair[i] = func() (int32, error) {
			if fuel {
				if err := store.SetFuel(kernelFuel); err != nil {
					return 0, err
				}
			}
			result, err := function.Call(store, k.turns)
			if err != nil {
				return 0, err
			}
			sum, isInt := result.(int32)
			if !isInt {
				return 0, fmt.Errorf("the result is a %T", result)
			}
			return sum, nil
		}
	}
	return pair, nil
}
