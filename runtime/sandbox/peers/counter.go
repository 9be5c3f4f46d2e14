package main

import (
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/runtime/meter"
)

// counter is what the rewriter put into a module. Its zero value is that of an
// original, and does nothing.
type counter struct {
	fuel, reserve, dirty api.MutableGlobal
}

func counterOf(m api.Module) (c counter) {
	c.fuel, _ = m.ExportedGlobal(meter.FuelGlobal).(api.MutableGlobal)
	c.reserve, _ = m.ExportedGlobal(meter.ReserveGlobal).(api.MutableGlobal)
	c.dirty, _ = m.ExportedGlobal(meter.DirtyGlobal).(api.MutableGlobal)
	return c
}

// set gives a run its fuel, the first slice at once, as the product does.
func (c counter) set(fuel uint64) {
	if c.fuel == nil {
		return
	}
	c.fuel.Set(meter.DefaultSlice)
	c.reserve.Set(fuel - meter.DefaultSlice)
}

// debit charges a host call that moves n bytes.
func (c counter) debit(n int) {
	if c.fuel != nil {
		c.fuel.Set(c.fuel.Get() - 64 - uint64(n)/16)
	}
}

// clean says that the memory was put back.
func (c counter) clean() {
	if c.dirty != nil {
		c.dirty.Set(0)
	}
}
