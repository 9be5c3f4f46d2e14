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
	p.giveBack(i, true, nil)
}

// TestTimeIsOverWhileGivingWay has a run give way when its time is over: it is stopped
// before it goes on, and not only when a timer comes to look, which it would stop
// by giving way again.
func TestTimeIsOverWhileGivingWay(t *testing.T) {
	p := shrinking(t, Config{}, 1)[0]
	i, fault := p.lease(context.Background(), p.config.Limits(), nil)
	if fault != nil {
		t.Fatal(fault)
	}
	i.watch.begin(context.Background(), time.Hour)
	i.watch.look()
	i.watch.suspend()
	i.watch.mu.left = 0
	i.watch.resume(true)
	i.watch.suspend()
	if i.watch.stop.Get() != 1 {
		t.Error("the run is not stopped")
	}
	if err := i.watch.end(); !errors.Is(err, errWallClock) {
		t.Errorf("ended with %v", err)
	}
	p.giveBack(i, true, nil)
}
