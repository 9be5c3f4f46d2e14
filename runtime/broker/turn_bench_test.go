package broker

import (
	"testing"
	"time"
)

// BenchmarkTurn is what a turn costs that nobody else wants, and what a look
// at the work costs.
func BenchmarkTurn(b *testing.B) {
	f := newFlow(newQueue(1, false))
	b.Run("take", func(b *testing.B) {
		t := f.begin(b.Context(), laneEvents)
		t.release()
		for b.Loop() {
			t.take()
			t.release()
		}
	})
	b.Run("take the spare one", func(b *testing.B) {
		q := newQueue(1, true)
		other, f := newFlow(q), newFlow(q)
		held := other.begin(b.Context(), laneEvents)
		defer held.release()
		t := f.begin(b.Context(), laneEvents)
		t.release()
		for b.Loop() {
			f.spareAt = time.Time{}
			t.take()
			t.release()
		}
	})
	b.Run("spend", func(b *testing.B) {
		t := f.begin(b.Context(), laneEvents)
		for b.Loop() {
			t.spend(100)
		}
		t.release()
	})
}
