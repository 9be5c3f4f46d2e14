package meter_test

import (
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// TestSpecModules rewrites all modules of the specification's tests: valid ones stay valid, invalid
// ones stay invalid.
func TestSpecModules(t *testing.T) {
	compile := compiler(t)
	var valid, invalid, refused int
	for name, b := range specModules(t) {
		original := compile(b)
		m, err := wasm.Decode(b)
		if err != nil {
			if original == nil {
				t.Errorf("%s: decode: %v", name, err)
			}
			continue
		}
		out, err := meter.Rewrite(m, meter.Options{MarkWrites: true})
		switch {
		case err != nil && original == nil:
			if !strings.Contains(err.Error(), "elements, at most 65536 are allowed") {
				t.Errorf("%s: rewrite: %v", name, err)
			}
			refused++
		case err != nil:
			invalid++
		case original == nil:
			valid++
			if err := compile(out.Wasm); err != nil {
				t.Errorf("%s: rewritten: %v", name, err)
			}
		default:
			invalid++
			if compile(out.Wasm) == nil {
				t.Errorf("%s: rewriting made valid what is not: %v", name, original)
			}
		}
	}
	if valid < 1000 || invalid < 1000 || refused > 10 {
		t.Errorf("%d valid, %d invalid, %d refused", valid, invalid, refused)
	}
	t.Log(valid, invalid, refused)
}
