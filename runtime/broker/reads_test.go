package broker

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// TestTreeIsBounded has each of many subscribers leave a result of its own: a
// tree forgets what it cannot keep, and goes on to share.
func TestTreeIsBounded(t *testing.T) {
	var results tree
	size := maxTreeBytes / 100
	for n := range 500 {
		id, err := tenant.NewIdentity(map[string]json.RawMessage{"sub": json.RawMessage(fmt.Sprint(n))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		in := inputs{identity: &id}
		reads := []sandbox.Read{{Question: sandbox.AskInput, Kind: abi.InputEvent}, {Question: sandbox.AskClaim, Name: "sub"}}
		leaf := &outcome{result: graph.Result{Output: make([]byte, size)}}
		if !results.insert(reads, &in, leaf) {
			t.Fatalf("result %d was not kept", n)
		}
		if results.find(&in) != leaf {
			t.Fatalf("result %d is not found", n)
		}
		results.grow(0)
		if results.bytes > maxTreeBytes || n < 50 && results.find(&in) != leaf {
			t.Fatalf("after %d results, %d bytes are kept", n, results.bytes)
		}
	}
}
