// The resolvers of this module do what Go's runtime needs a clock, a scheduler
// and streams for. Each returns 0 where it got what it waited for.
package main

import (
	"math/rand/v2"
	"runtime"
	"time"
)

var started = time.Now()

func init() { println("starting at", started.UnixNano(), "with", rand.Uint64() != rand.Uint64()) }

func verdict(ok bool) int32 {
	if ok {
		return 0
	}
	return 3
}

//go:wasmexport Subscription.time
func now() int32 { return verdict(time.Now().Format(time.RFC3339Nano) == "2026-01-02T03:04:05.678Z") }

//go:wasmexport Subscription.sleep
func sleep() int32 {
	before := time.Now()
	time.Sleep(time.Hour)
	return verdict(time.Since(before) == time.Hour)
}

//go:wasmexport Subscription.timeout
func timeout() int32 {
	select {
	case <-make(chan int):
		return 3
	case <-time.After(time.Minute):
		return 0
	}
}

//go:wasmexport Subscription.goroutines
func goroutines() int32 {
	numbers, sum := make(chan int), 0
	for n := range 10 {
		go func() { numbers <- n }()
	}
	for range 10 {
		sum += <-numbers
	}
	return verdict(sum == 45)
}

//go:wasmexport Subscription.collect
func collect() int32 {
	before := time.Now()
	runtime.GC()
	return verdict(time.Since(before) == 0)
}

//go:wasmexport Subscription.deadlock
func deadlock() int32 {
	<-make(chan int)
	return 0
}

//go:wasmexport Subscription.panic
func panics() int32 {
	var none []int
	return int32(none[len(none)])
}

//go:wasmexport Subscription.yield
func yield() int32 {
	for {
		runtime.Gosched()
	}
}

//go:wasmexport Subscription.ticker
func ticker() int32 {
	for range time.Tick(time.Second) {
		continue
	}
	return 0
}

//go:wasmexport Subscription.eat
func eat() int32 {
	var kept [][]byte
	for {
		kept = append(kept, make([]byte, 1<<20))
	}
}

func main() {}
