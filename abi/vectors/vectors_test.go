package vectors_test

import (
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/abi/vectors"
)

func TestVectorsAreWellFormed(t *testing.T) {
	total := 0
	for _, module := range []string{"orders", "shop", "probe"} {
		list, err := vectors.Load(module)
		if err != nil {
			t.Fatal(err)
		}
		total += len(list)
		seen := map[string]bool{}
		for _, v := range list {
			if v.Name == "" || seen[v.Name] {
				t.Errorf("%s: name %q is empty or used twice", module, v.Name)
			}
			seen[v.Name] = true
			checkVector(t, v)
		}
	}
	if total < 40 {
		t.Errorf("%d vectors, want at least 40", total)
	}
}

func checkVector(t *testing.T, v vectors.Vector) {
	t.Helper()
	if _, _, ok := abi.SplitResolver(v.Resolver); !ok {
		t.Errorf("%s: %q is no resolver", v.Name, v.Resolver)
	}
	if v.Reads == nil {
		t.Errorf("%s: reads are not given", v.Name)
	}
	seen := map[string]bool{}
	for _, read := range v.Reads {
		if seen[read] {
			t.Errorf("%s: read %q is listed twice", v.Name, read)
		}
		seen[read] = true
		kind, name, named := strings.Cut(read, " ")
		switch kind {
		case "event", "arguments", "meta", "parents", "config":
			named = !named
		case "argument", "claim", "permitted":
			named = named && name != ""
		default:
			named = false
		}
		if !named {
			t.Errorf("%s: %q is no read", v.Name, read)
		}
	}
	failed := v.Verdict.Value == int32(abi.Failed) && !v.Verdict.Trap
	if failed != (v.Fail != "") {
		t.Errorf("%s: fail and verdict do not agree", v.Name)
	}
	if v.Verdict.Value == int32(abi.Deliver) && v.Output == nil {
		t.Errorf("%s: verdict 1 without an output", v.Name)
	}
}
