package meter_test

import (
	"errors"
	"testing"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest/random"
)

// FuzzRewrite holds that a rewritten module is valid where the original is, and not otherwise.
func FuzzRewrite(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(random.FromSeed(seed).Wasm)
	}
	n := 0
	for _, b := range specModules(f) {
		if n++; n%50 == 0 && len(b) < 4096 {
			f.Add(b)
		}
	}
	compile := compiler(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wasm.Decode(b)
		if err != nil {
			return
		}
		for i := range m.Memories { // the compiler refuses what is over its own limit
			m.Memories[i].Min = min(m.Memories[i].Min, 1)
		}
		m.Customs = nil // where names may make the original fail
		b = m.Encode()
		original := compile(b)
		m, err = wasm.Decode(b)
		if err != nil {
			t.Fatalf("encoded, then: %v", err)
		}
		out, err := meter.Rewrite(m, meter.Options{TableElements: 1 << 31, MarkWrites: true})
		if err != nil {
			var at *wasm.Error
			if original == nil && !(errors.As(err, &at) && refusable(at)) {
				t.Fatalf("valid, but refused: %v", err)
			}
			return
		}
		if rewritten := compile(out.Wasm); (original == nil) != (rewritten == nil) {
			t.Fatalf("original: %v; rewritten: %v", original, rewritten)
		}
	})
}

func refusable(e *wasm.Error) bool {
	return e.Section == "table" || e.Section == "import" || e.Section == "export"
}
