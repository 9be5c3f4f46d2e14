package memory

import (
	"crypto/sha256"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// key is what an id is unique under.
type key struct{ channel, id string }

// known is what is remembered of an event.
type known struct {
	digest [16]byte // of the payload
	number uint64
	at     time.Time
}

// ids remembers the ids of one tenant's events.
type ids struct {
	known map[key]known
	order deque[key] // oldest first
}

func newIDs() ids { return ids{known: map[key]known{}} }

func digestOf(payload []byte) [16]byte {
	sum := sha256.Sum256(payload)
	return [16]byte(sum[:16])
}

func (s *ids) find(k key) (known, bool) {
	v, ok := s.known[k]
	return v, ok
}

func (s *ids) add(k key, v known) {
	s.known[k] = v
	s.order.push(k)
	if len(s.order.items()) > event.MaxIDs {
		delete(s.known, s.order.pop())
	}
}

// expire forgets what was accepted at oldest or before.
func (s *ids) expire(oldest time.Time) {
	for items := s.order.items(); len(items) > 0 && !s.known[items[0]].at.After(oldest); items = s.order.items() {
		delete(s.known, s.order.pop())
	}
}
