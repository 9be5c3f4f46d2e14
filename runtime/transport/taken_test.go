package transport

import (
	"bytes"
	"testing"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// TestAStreamSaysWhatItTakes fills the queue of a stream that nobody writes.
func TestAStreamSaysWhatItTakes(t *testing.T) {
	limited, err := tenant.New("demo", tenant.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{tenant: limited, wake: make(chan struct{}, 1)}
	limits := limited.Limits()
	response := bytes.Repeat([]byte("1"), int(limits.QueueBytes)/2)
	for i, want := range []bool{true, true, false, false} { // the first does not count
		if got, _ := s.Next(graph.Delivery{Response: response}); got != want {
			t.Errorf("response %d: taken %v, want %v", i, got, want)
		}
	}
	s.tasks.Wait()
}
