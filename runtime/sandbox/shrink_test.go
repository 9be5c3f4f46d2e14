package sandbox

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// shrinking returns pools of the example, each of a module of its own, in an
// engine with that configuration.
func shrinking(t *testing.T, config Config, n int) []*Pool {
	t.Helper()
	e, err := New(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	pools := make([]*Pool, n)
	limits := Limits{FuelPerRun: 10_000_000, MemoryBytes: 16 << 20, OutputBytes: 1 << 20, LogBytesPerRun: 1 << 10}
	for i := range pools {
		m, err := e.Load(context.Background(), exampleModule(t, "orders-rust"))
		if err != nil {
			t.Fatal(err)
		}
		pools[i] = m.Pool(PoolConfig{Limits: func() Limits { return limits }})
	}
	t.Cleanup(func() {
		for _, p := range pools {
			err = errors.Join(err, p.Close())
		}
		if err = errors.Join(err, e.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return pools
}

func runExample(t *testing.T, p *Pool) {
	t.Helper()
	var r Result
	p.Run(context.Background(), "Subscription.orderUpdated", orderInputs{}, &r)
	if r.Fault != nil || !r.HasOutput {
		t.Fatalf("%+v", r)
	}
}

func (p *Pool) count() (idle int, image bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mu.idle), p.mu.image != nil
}

func TestIdleInstancesShrinkAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := shrinking(t, Config{IdleAfter: 10 * time.Second}, 1)[0]
		runExample(t, p)
		time.Sleep(5 * time.Second)
		runExample(t, p)
		time.Sleep(7 * time.Second)
		if idle, image := p.count(); idle != 1 || !image {
			t.Errorf("in use until 7 s ago: %d idle, image %v", idle, image)
		}
		time.Sleep(5 * time.Second)
		if idle, image := p.count(); idle != 0 || image {
			t.Errorf("unused for 12 s: %d idle, image %v", idle, image)
		}
		if n := p.module.engine.shrinker.bytes.Load(); n != 0 {
			t.Errorf("%d bytes are still counted", n)
		}
		runExample(t, p)
	})
}

func TestTheOldestGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := shrinking(t, Config{}, 1)[0]
		runExample(t, one)
		each := one.module.engine.shrinker.bytes.Load()
		if each < instanceOverhead+one.module.compiled.bytes {
			t.Errorf("an instance counts %d bytes, its code has %d", each, one.module.compiled.bytes)
		}
		pools := shrinking(t, Config{IdleBytes: 2 * each}, 4)
		for _, p := range pools[:3] {
			runExample(t, p)
			time.Sleep(100 * time.Millisecond)
		}
		total := pools[0].module.engine.shrinker.bytes.Load()
		time.Sleep(time.Second)
		runExample(t, pools[0])
		runExample(t, pools[3])
		time.Sleep(time.Second)
		var left []int
		for i, p := range pools {
			if idle, _ := p.count(); idle > 0 {
				left = append(left, i)
			}
		}
		if len(left) == 0 || left[len(left)-1] != 3 || total == 0 || pools[0].module.engine.shrinker.bytes.Load() > 2*each {
			t.Errorf("pools %v have instances, of %d bytes", left, pools[0].module.engine.shrinker.bytes.Load())
		}
	})
}
