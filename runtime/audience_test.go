package runtime_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// maxTicks is how many events an audience takes.
const maxTicks = 1 << 20

// audience is many subscribers, each with a socket and one subscription to
// ticks. It holds what each of them gets: every event once, in order, and in the
// same version as the others.
type audience struct {
	t       testing.TB
	sockets []*websocket.Conn
	reading sync.WaitGroup
	leaving atomic.Bool
	failed  chan error

	heard    []atomic.Int32 // how many subscribers have got an event
	versions []atomic.Int32 // that an event came in, as 1 + an index of versions
	whole    chan int       // events that all have got, in order
}

func newAudience(t testing.TB, url string, subscribers int) *audience {
	t.Helper()
	a := &audience{
		t: t, failed: make(chan error, subscribers),
		heard: make([]atomic.Int32, maxTicks), versions: make([]atomic.Int32, maxTicks), whole: make(chan int, maxTicks),
	}
	for range subscribers {
		a.sockets = append(a.sockets, subscribe(t, url, "subscription { tick { number first second } }"))
	}
	for _, socket := range a.sockets {
		a.reading.Go(func() {
			if err := a.read(socket); err != nil && !a.leaving.Load() {
				a.failed <- err
			}
		})
	}
	return a
}

func (a *audience) read(socket *websocket.Conn) error {
	texts := make([][]byte, len(versions))
	for number := 1; ; number++ {
		_, message, err := socket.ReadMessage()
		if err != nil {
			return fmt.Errorf("before event %d: %w", number, err)
		}
		for i, version := range versions {
			texts[i] = fmt.Appendf(texts[i][:0], `"data":{"tick":{"number":%d,"first":%q,"second":%q}}}`, number, version, version)
		}
		version := slices.IndexFunc(texts, func(text []byte) bool { return bytes.Contains(message, text) })
		if version < 0 {
			return fmt.Errorf("got %s, want event %d", message, number)
		}
		if !a.versions[number].CompareAndSwap(0, int32(version+1)) && a.versions[number].Load() != int32(version+1) {
			return fmt.Errorf("event %d comes in several versions", number)
		}
		if int(a.heard[number].Add(1)) == len(a.sockets) {
			a.whole <- number
		}
	}
}

// wait returns when all have got an event.
func (a *audience) wait(number int) {
	a.t.Helper()
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	for got := 0; got < number; {
		select {
		case got = <-a.whole:
		case err := <-a.failed:
			a.t.Fatal(err)
		case <-late.C:
			a.t.Fatalf("%d of %d have got event %d", a.heard[number].Load(), len(a.sockets), number)
		}
	}
}

// version is what an event came in.
func (a *audience) version(number int) string { return versions[a.versions[number].Load()-1] }

// leave closes all sockets.
func (a *audience) leave() {
	a.leaving.Store(true)
	for _, socket := range a.sockets {
		_ = socket.Close() // which ends its reader
	}
	a.reading.Wait()
}
