package wasmtest_test

import (
	"fmt"

	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

func Example() {
	b := wasmtest.New()
	log := b.Import("env", "log", wasmtest.I32s(1), nil)
	b.Memory(1)
	b.Data(16, []byte("hello"))
	b.Custom("runnel.schema", []byte("type Query { count: Int }"))
	b.ExportFunction("Query.count", b.Function(
		nil, wasmtest.I32s(1), wasmtest.I32s(1), // parameters, results, further locals
		wasmtest.I32Const(3), wasmtest.LocalSet(0),
		wasmtest.Loop(
			wasmtest.Result(),
			wasmtest.LocalGet(0), wasmtest.Call(log),
			wasmtest.LocalGet(0), wasmtest.I32Const(1), wasmtest.Op(wasm.OpI32Sub), wasmtest.LocalTee(0),
			wasmtest.BrIf(0),
		),
		wasmtest.I32Const(1),
	))
	fmt.Print(wasmtest.Dump(b.Bytes()))
	// Output:
	// type 0 (i32) -> ()
	// type 1 () -> i32
	// import "env" "log" func type 0
	// memory 0 1..
	// export "memory" memory 0
	// export "Query.count" func 1
	// func 1 type 1
	//   local i32 * 1
	//   i32.const 3
	//   local.set 0
	//   loop
	//     local.get 0
	//     call 0
	//     local.get 0
	//     i32.const 1
	//     i32.sub
	//     local.tee 0
	//     br_if 0
	//   end
	//   i32.const 1
	//   end
	// data 0 active at (i32.const 16): "hello"
	// custom "runnel.schema" after data: "type Query { count: Int }"
}
