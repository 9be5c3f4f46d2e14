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

// TestSharedIsBounded has each of many subscribers leave a result of its own: what
// cannot be kept is forgotten, and later ones share again.
func TestSharedIsBounded(t *testing.T) {
	s := shared{results: map[*graph.ResolvedField]*tree[*outcome]{}}
	field := &graph.ResolvedField{}
	asked := questions([]sandbox.Read{{Question: sandbox.AskInput, Kind: abi.InputEvent}, {Question: sandbox.AskClaim, Name: "sub"}})
	size := maxSharedBytes / 100
	for n := range 500 {
		id, err := tenant.NewIdentity(map[string]json.RawMessage{"sub": json.RawMessage(fmt.Sprint(n))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		in := inputs{identity: &id}
		if s.bytes > maxSharedBytes+size+10*nodeBytes {
			t.Fatalf("after %d results, %d bytes are kept", n, s.bytes)
		}
		leaf := &outcome{result: graph.Result{Output: make([]byte, size)}}
		if !s.keep(field, asked, &in, leaf) {
			t.Fatalf("result %d was not kept", n)
		}
		if found, _ := s.of(field).find(&in); found != leaf {
			t.Fatalf("result %d is not found", n)
		}
	}
}
