package runnel

import (
	"runtime"
	"unsafe"
)

//go:wasmimport runnel_v1 input
//go:noescape
func hostInput(kind int32, at unsafe.Pointer, capacity int32) int32

//go:wasmimport runnel_v1 permitted
//go:noescape
func hostPermitted(at unsafe.Pointer, length int32) int32

//go:wasmimport runnel_v1 output
//go:noescape
func hostOutput(at unsafe.Pointer, length int32)

//go:wasmimport runnel_v1 fail
//go:noescape
func hostFail(at unsafe.Pointer, length int32)

// buffer is where inputs come to. It lies in the module's data, so most events
// need no memory of their own.
var buffer [16 << 10]byte

// init leaves free memory behind for runs, which all start from what start left:
// an instance whose run has to grow its memory is not used for another.
func init() {
	runtime.KeepAlive(make([]byte, 256<<10))
	runtime.GC()
}

func event() ([]byte, bool) {
	const payload = 0
	n := hostInput(payload, unsafe.Pointer(&buffer), int32(len(buffer)))
	if n < 0 {
		return nil, false
	}
	if int(n) <= len(buffer) {
		return buffer[:n], true
	}
	large := make([]byte, n)
	hostInput(payload, unsafe.Pointer(&large[0]), n)
	return large, true
}

func permitted(permission string) bool {
	return hostPermitted(unsafe.Pointer(unsafe.StringData(permission)), int32(len(permission))) == 1
}

func output(text []byte) { hostOutput(unsafe.Pointer(unsafe.SliceData(text)), int32(len(text))) }

func fail(text []byte) { hostFail(unsafe.Pointer(unsafe.SliceData(text)), int32(len(text))) }
