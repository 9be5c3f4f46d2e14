package meter

import (
	"math"
	"math/bits"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// helperID names an appended function of type (i32) -> i32. It is called just before an operation,
// takes its length from the top of the stack, charges for it, checks, and puts it back. A length that
// lets the operation fail or trap at once is free, so that the guest sees the same end as without.
type helperID int

const (
	helperBytes helperID = iota
	helperPages
	helperElements
	helperCount
)

type helper struct {
	used  bool
	index uint32 // in the function index space
	name  string // in the name section
}

var helperNames = [helperCount]string{"runnel.charge_bytes", "runnel.charge_pages", "runnel.charge_elements"}

func helperFor(op wasm.Opcode) (helperID, bool) {
	switch op {
	case wasm.OpMemoryCopy, wasm.OpMemoryFill, wasm.OpMemoryInit:
		return helperBytes, true
	case wasm.OpMemoryGrow:
		return helperPages, true
	case wasm.OpTableCopy, wasm.OpTableFill, wasm.OpTableInit, wasm.OpTableGrow:
		return helperElements, true
	}
	return 0, false
}

// use returns the function index of a helper. Indices are given out in the order of first use.
func (r *rewriter) use(id helperID) uint32 {
	h := &r.helpers[id]
	if h.used {
		return h.index
	}
	h.used, h.index, h.name = true, uint32(r.space.functions), helperNames[id]
	for i := range r.helpers {
		if helperID(i) != id && r.helpers[i].used {
			h.index++
		}
	}
	return h.index
}

func (r *rewriter) addHelpers() {
	i32 := []wasm.ValueType{wasm.I32}
	functionType := uint32(len(r.in.Types))
	r.out.Functions = append([]uint32(nil), r.in.Functions...)
	for n := uint32(r.space.functions); ; n++ {
		id, ok := r.helperAt(n)
		if !ok {
			return
		}
		if len(r.out.Types) == len(r.in.Types) {
			r.out.Types = append([]wasm.FunctionType(nil), r.in.Types...)
			r.out.Types = append(r.out.Types, wasm.FunctionType{Params: i32, Results: i32})
		}
		if id == helperPages {
			r.addPages()
		}
		r.out.Functions = append(r.out.Functions, functionType)
		r.out.Code = append(r.out.Code, r.helperBody(id))
	}
}

func (r *rewriter) helperAt(index uint32) (helperID, bool) {
	for i := range r.helpers {
		if h := &r.helpers[i]; h.used && h.index == index {
			return helperID(i), true
		}
	}
	return 0, false
}

// helperBody returns: if length <= bound { fuel -= length * rate; if fuel < 0 { unreachable } }; length.
func (r *rewriter) helperBody(id helperID) wasm.Body {
	const length, local = 0, 1
	code := []byte{byte(wasm.OpLocalGet), length, byte(wasm.OpI64ExtendI32U)}
	code = r.appendBound(code, id)
	code = append(code, byte(wasm.OpI64LeU), byte(wasm.OpIf), 0x40)
	code = wasm.AppendUint32(append(code, byte(wasm.OpGlobalGet)), r.fuel)
	code = append(code, byte(wasm.OpLocalGet), length, byte(wasm.OpI64ExtendI32U))
	code = appendRate(code, id)
	code = append(code, byte(wasm.OpI64Sub), byte(wasm.OpLocalTee), local)
	code = wasm.AppendUint32(append(code, byte(wasm.OpGlobalSet)), r.fuel)
	code = appendCheck(code, wasm.OpLocalGet, local)
	code = append(code, byte(wasm.OpEnd), byte(wasm.OpLocalGet), length, byte(wasm.OpEnd))
	return wasm.Body{Locals: []wasm.LocalGroup{{Count: 1, Type: wasm.I64}}, Code: code}
}

// appendBound pushes, as an i64, the largest length with which the operation can succeed.
func (r *rewriter) appendBound(code []byte, id helperID) []byte {
	size := []byte{byte(wasm.OpMemorySize), 0, byte(wasm.OpI64ExtendI32U)}
	switch id {
	case helperBytes:
		code = append(append(code, size...), byte(wasm.OpI64Const), 16, byte(wasm.OpI64Shl))
	case helperPages:
		code = wasm.AppendUint32(append(code, byte(wasm.OpGlobalGet)), r.pages)
		code = append(append(code, size...), byte(wasm.OpI64Sub))
	case helperElements:
		code = wasm.AppendInt64(append(code, byte(wasm.OpI64Const)), int64(r.maxElements()))
	}
	return code
}

// appendRate turns the length on the stack into units.
func appendRate(code []byte, id helperID) []byte {
	switch id {
	case helperBytes:
		return append(code, byte(wasm.OpI64Const), byte(bits.TrailingZeros(bytesPerUnit)), byte(wasm.OpI64ShrU))
	case helperPages:
		return append(code, byte(wasm.OpI64Const), byte(bits.TrailingZeros(unitsPerPage)), byte(wasm.OpI64Shl))
	}
	return code
}

// maxPages returns how large the memory can get.
func (r *rewriter) maxPages() uint32 {
	limits := wasm.Limits{}
	for i := range r.in.Imports {
		if r.in.Imports[i].Kind == wasm.Memory {
			limits = r.in.Imports[i].Memory
		}
	}
	if len(r.in.Memories) > 0 {
		limits = r.in.Memories[0]
	}
	if limits.HasMax {
		return limits.Max
	}
	return 65536
}

// maxElements returns how large a table can get.
func (r *rewriter) maxElements() uint32 {
	n := r.options.TableElements
	for i := range r.in.Imports {
		if m := &r.in.Imports[i]; m.Kind == wasm.Table && !m.Table.Limits.HasMax {
			return math.MaxUint32
		} else if m.Kind == wasm.Table {
			n = max(n, m.Table.Limits.Max)
		}
	}
	return n
}
