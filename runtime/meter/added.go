package meter

import (
	"math"
	"math/bits"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// addedKind is what an appended function does.
type addedKind int

const (
	// addedRefill is a check that failed: () -> i64 gives the counter after the next slice. It is the
	// safepoint of compiled code.
	addedRefill addedKind = iota
	// addedPages and addedElements charge for the length of an operation, which they take and give
	// back: (i32) -> i32.
	addedPages
	addedElements
	// addedCopy, addedFill and addedInit charge for a bulk operation on memory and do it, in pieces
	// where it is long: (i32, i32, i32) -> ().
	addedCopy
	addedFill
	addedInit
)

// added is a function appended to the module.
type added struct {
	kind    addedKind
	segment uint32 // for addedInit
}

var addedNames = [...]string{
	"runnel.refill", "runnel.charge_pages", "runnel.charge_elements", "runnel.copy", "runnel.fill", "runnel.init",
}

// addedFor returns the function that an instruction needs for its length. That of memory.copy, fill and
// init is called in place of the instruction, the others just before it.
func addedFor(in *wasm.Instruction) (a added, replaces, ok bool) {
	switch in.Op {
	case wasm.OpMemoryCopy:
		return added{kind: addedCopy}, true, true
	case wasm.OpMemoryFill:
		return added{kind: addedFill}, true, true
	case wasm.OpMemoryInit:
		return added{kind: addedInit, segment: in.Index}, true, true
	case wasm.OpMemoryGrow:
		return added{kind: addedPages}, false, true
	case wasm.OpTableCopy, wasm.OpTableFill, wasm.OpTableInit, wasm.OpTableGrow:
		return added{kind: addedElements}, false, true
	}
	return added{}, false, false
}

// use returns the function index of an added function. Indices are given out in the order of first use.
func (r *rewriter) use(a added) uint32 {
	index, ok := r.addedIndex[a]
	if !ok {
		index = uint32(r.space.functions + len(r.added))
		r.added = append(r.added, a)
		r.addedIndex[a] = index
		if a.kind == addedPages {
			r.pages = r.addGlobal(PagesGlobal, wasm.I64, int64(r.maxPages()))
		}
	}
	return index
}

// addFunctions appends the functions in use, among them those that they use themselves.
func (r *rewriter) addFunctions() {
	if len(r.added) == 0 {
		return
	}
	r.out.Functions = append([]uint32(nil), r.in.Functions...)
	for n := 0; n < len(r.added); n++ {
		a := r.added[n]
		body, functionType := r.addedBody(a)
		r.out.Functions = append(r.out.Functions, r.typeIndex(functionType))
		r.out.Code = append(r.out.Code, body)
	}
}

// typeIndex returns the index of a function type, which it appends where it is not there yet. Types of
// the guest are not taken: their number is not bounded here.
func (r *rewriter) typeIndex(t wasm.FunctionType) uint32 {
	for i := len(r.in.Types); i < len(r.out.Types); i++ {
		if r.out.Types[i].Equal(t) {
			return uint32(i)
		}
	}
	r.out.Types = append(r.out.Types[:len(r.out.Types):len(r.out.Types)], t)
	return uint32(len(r.out.Types) - 1)
}

func (r *rewriter) addedBody(a added) (wasm.Body, wasm.FunctionType) {
	i32 := wasm.I32
	i64 := []wasm.LocalGroup{{Count: 1, Type: wasm.I64}}
	switch a.kind {
	case addedRefill:
		return wasm.Body{Locals: i64, Code: r.refill()}, wasm.FunctionType{Results: []wasm.ValueType{wasm.I64}}
	case addedPages, addedElements:
		return wasm.Body{Locals: i64, Code: r.chargeLength(a.kind)},
			wasm.FunctionType{Params: []wasm.ValueType{i32}, Results: []wasm.ValueType{i32}}
	}
	i64[0].Count = bulkRegions - bulkLength
	return wasm.Body{Locals: i64, Code: r.bulk(a)}, wasm.FunctionType{Params: []wasm.ValueType{i32, i32, i32}}
}

// refill returns:
//
//	memory.grow 0
//	if stop { unreachable }
//	total = fuel + reserve
//	fuel, reserve = total, 0
//	if total < 0 { unreachable }
//	if total > slice { fuel, reserve = slice, total - slice }
//	fuel
//
// memory.grow leaves compiled code for the host, where the garbage collector and other goroutines get
// their turn, and needs no import for it. With Options.Yield it is
//
//	yield = 1; memory.grow 65536 - size of the memory; yield = 0
func (r *rewriter) refill() (c code) {
	const total = 0
	r.safepoint(&c)
	c.index(wasm.OpGlobalGet, r.stop)
	c.begin(wasm.OpIf)
	c.op(wasm.OpUnreachable, wasm.OpEnd)
	c.index(wasm.OpGlobalGet, r.fuel)
	c.index(wasm.OpGlobalGet, r.reserve)
	c.op(wasm.OpI64Add)
	c.index(wasm.OpLocalTee, total)
	c.index(wasm.OpGlobalSet, r.fuel)
	c.i64(0)
	c.index(wasm.OpGlobalSet, r.reserve)
	c.index(wasm.OpLocalGet, total)
	c.i64(0)
	c.op(wasm.OpI64LtS)
	c.begin(wasm.OpIf)
	c.op(wasm.OpUnreachable, wasm.OpEnd)
	c.index(wasm.OpLocalGet, total)
	c.i64(r.options.Slice)
	c.op(wasm.OpI64GtS)
	c.begin(wasm.OpIf)
	c.i64(r.options.Slice)
	c.index(wasm.OpGlobalSet, r.fuel)
	c.index(wasm.OpLocalGet, total)
	c.i64(r.options.Slice)
	c.op(wasm.OpI64Sub)
	c.index(wasm.OpGlobalSet, r.reserve)
	c.op(wasm.OpEnd)
	c.index(wasm.OpGlobalGet, r.fuel)
	c.op(wasm.OpEnd)
	return c
}

func (r *rewriter) safepoint(c *code) {
	grow := func() {
		*c = append(*c, byte(wasm.OpMemoryGrow), 0)
		c.op(wasm.OpDrop)
	}
	if !r.options.Yield {
		c.i32(0)
		grow()
		return
	}
	c.i32(1)
	c.index(wasm.OpGlobalSet, r.yield)
	c.i32(65536)
	*c = append(*c, byte(wasm.OpMemorySize), 0)
	c.op(wasm.OpI32Sub)
	grow()
	c.i32(0)
	c.index(wasm.OpGlobalSet, r.yield)
}

// charge takes from the counter what rate pushes, an i64, and checks.
func (r *rewriter) charge(c *code, local uint32, rate func()) {
	c.index(wasm.OpGlobalGet, r.fuel)
	rate()
	c.op(wasm.OpI64Sub)
	c.index(wasm.OpLocalTee, local)
	c.index(wasm.OpGlobalSet, r.fuel)
	c.index(wasm.OpLocalGet, local)
	c.i64(0)
	c.op(wasm.OpI64LtS)
	c.begin(wasm.OpIf)
	c.index(wasm.OpCall, r.use(added{kind: addedRefill}))
	c.op(wasm.OpDrop, wasm.OpEnd)
}

// chargeLength returns: if length <= bound { charge(length * rate) }; length. A length that lets the
// operation fail at once is free, so that the guest sees the same end as without.
func (r *rewriter) chargeLength(kind addedKind) (c code) {
	const length, local = 0, 1
	c.index(wasm.OpLocalGet, length)
	c.op(wasm.OpI64ExtendI32U)
	if kind == addedPages {
		c.index(wasm.OpGlobalGet, r.pages)
		c.pages()
		c.op(wasm.OpI64Sub)
	} else {
		c.i64(int64(r.maxElements()))
	}
	c.op(wasm.OpI64LeU)
	c.begin(wasm.OpIf)
	r.charge(&c, local, func() {
		c.index(wasm.OpLocalGet, length)
		c.op(wasm.OpI64ExtendI32U)
		if kind == addedPages {
			c.i64(int64(bits.TrailingZeros(unitsPerPage)))
			c.op(wasm.OpI64Shl)
		}
	})
	c.op(wasm.OpEnd)
	c.index(wasm.OpLocalGet, length)
	c.op(wasm.OpEnd)
	return c
}

// memory returns the limits of the memory, of no pages where there is none.
func (r *rewriter) memory() wasm.Limits {
	for i := range r.in.Imports {
		if r.in.Imports[i].Kind == wasm.Memory {
			return r.in.Imports[i].Memory
		}
	}
	if len(r.in.Memories) > 0 {
		return r.in.Memories[0]
	}
	return wasm.Limits{HasMax: true}
}

// maxPages returns how large the memory can get.
func (r *rewriter) maxPages() uint32 {
	limits := r.memory()
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
