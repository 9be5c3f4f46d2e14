package broker

import (
	"testing"

	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// TestWhatIsRecycledHoldsNothing has a run read much and the next one little: what is
// kept for the next event leads to neither's inputs, and is not large.
func TestWhatIsRecycledHoldsNothing(t *testing.T) {
	reads := make([]sandbox.Read, 5)
	for i := range reads {
		reads[i] = sandbox.Read{Question: sandbox.AskClaim, Name: "c", Value: []byte("secret"), Present: true}
	}
	s := &shared{run: sandbox.Result{Reads: reads[:1], Output: make([]byte, 0, 10)}}
	s.recycle()
	for i, r := range reads {
		if r.Name != "" || r.Value != nil {
			t.Errorf("read %d is kept: %+v", i, r)
		}
	}
	for name, run := range map[string]sandbox.Result{
		"output": {Output: make([]byte, 0, keepBufferBytes+1)},
		"reads":  {Reads: make([]sandbox.Read, 0, keepReads+1)},
	} {
		s := &shared{run: run}
		if s.recycle(); cap(s.run.Output)+cap(s.run.Reads) == 0 {
			t.Errorf("much of %s is kept", name)
		}
	}
}
