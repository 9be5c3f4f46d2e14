package sandbox

import (
	"context"
	"fmt"
	"testing"

	"github.com/runnel-dev/runnel/abi"
)

// BenchmarkQuestions asks for the last of so many names again.
func BenchmarkQuestions(b *testing.B) {
	for _, n := range []int{1, 16, 17, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			i := afterAsking(n)
			name := []byte(fmt.Sprintf("name %d", n-1))
			b.ReportAllocs()
			for b.Loop() {
				if i.known(AskArgument, 0, name) == nil {
					b.Fatal("not known")
				}
			}
		})
	}
}

// afterAsking returns an instance whose run has asked for n arguments.
func afterAsking(n int) *instance {
	i := &instance{Context: context.Background(), result: &Result{}}
	for k := range n {
		i.record(Read{Question: AskArgument, Name: fmt.Sprintf("name %d", k), Present: true})
	}
	return i
}

func TestQuestionsAreKnown(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 18, 100} {
		i := afterAsking(n)
		for k := range n + 3 {
			name := fmt.Sprintf("name %d", k)
			r := i.known(AskArgument, 0, []byte(name))
			if (r != nil) != (k < n) || r != nil && r.Name != name {
				t.Errorf("%d of %d: %+v", k, n, r)
			}
			if i.known(AskClaim, 0, []byte(name)) != nil || i.known(AskArgument, abi.InputMeta, []byte(name)) != nil {
				t.Errorf("%d of %d: another question is known", k, n)
			}
		}
		i.asked.reset()
		i.result.Reads = i.result.Reads[:0]
		if i.known(AskArgument, 0, []byte("name 0")) != nil {
			t.Errorf("of %d one is known in the next run", n)
		}
	}
}
