package sandbox

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestAStopThatComesTooLate has the watch stop a run that ends before it notices:
// the next run of the instance is not stopped for it.
func TestAStopThatComesTooLate(t *testing.T) {
	p := shrinking(t, Config{}, 1)[0]
	i, fault := p.lease(context.Background(), p.config.Limits(), nil)
	if fault != nil {
		t.Fatal(fault)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	i.watch.begin(cancelled, time.Hour)
	i.watch.look()
	if i.watch.stop.Get() != 1 {
		t.Fatal("the run is not stopped")
	}
	if err := i.watch.end(); !errors.Is(err, errCancelled) || i.watch.stop.Get() != 0 {
		t.Errorf("ended with %v, stop is %d", err, i.watch.stop.Get())
	}
	p.giveBack(i, true)
}
