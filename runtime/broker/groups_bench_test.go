package broker_test

import (
	"fmt"
	goruntime "runtime"
	"testing"

	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// mute is a sink that takes all.
type mute struct{}

func (mute) Next(graph.Delivery) (taken, skipped bool) { return true, false }
func (mute) Error(graph.Errors)                        {}
func (mute) Position(string)                           {}
func (mute) Ready() bool                               { return true }
func (mute) Complete()                                 {}

// BenchmarkEventToMany is what one event costs that reaches 100,000 subscribers: with
// groups, and where each asks the tree of reads, in interleaved pairs. Runs are Go
// functions here, and sinks drop what they get.
func BenchmarkEventToMany(b *testing.B) {
	const subscribers = 100_000
	for _, c := range []struct {
		name    string
		resolve resolver
	}{
		{"nothing read", func(_ *reader, r *sandbox.Result) { output(r, `"1"`) }},
		{"one permission", func(g *reader, r *sandbox.Result) { output(r, `"%v"`, g.permitted("p")) }},
		{"permission and claim, 200 groups", func(g *reader, r *sandbox.Result) { output(r, `"%v %s"`, g.permitted("p"), g.claim("team")) }},
		{"skipped for all", func(g *reader, r *sandbox.Result) { g.permitted("p") }},
		{"an argument of each own", func(g *reader, r *sandbox.Result) { output(r, "%q", g.argument("a")) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			grouped, byTree := manyStage(b, c.resolve, subscribers), manyStage(b, c.resolve, subscribers)
			byTree.broker.ShareByTree()
			side := func(s *stage) bench.Side {
				s.publish("c", "1") // questions are learned
				s.publish("c", "1")
				return bench.Each(func() error { s.publish("c", "1"); return nil })
			}
			pair := [2]bench.Side{side(grouped), side(byTree)}
			allocations := allocationsOf(func() { grouped.publish("c", "1") })
			for b.Loop() {
				compared, err := bench.Interleave(9, pair)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(bench.Median(compared[0].Ratios()), "ratio")
				b.ReportMetric(bench.Median(compared[0].A)/subscribers, "ns/subscriber")
				b.ReportMetric(bench.Median(compared[0].B)/subscribers, "ungrouped-ns/subscriber")
				b.ReportMetric(allocations/subscribers, "allocs/subscriber")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func manyStage(b *testing.B, resolve resolver, subscribers int) *stage {
	b.Helper()
	s := newStage(b)
	s.limit(func(l *tenant.Limits) { l.Subscriptions = int64(subscribers) })
	s.activate(manySDL, map[string]resolver{"Subscription.f": resolve})
	var ids []tenant.Identity
	for team := range 100 {
		claims := fmt.Sprintf(`{"team":%d}`, team)
		ids = append(ids, identity(b, claims), identity(b, claims, "p"))
	}
	for n := range subscribers {
		o, errs := s.open(ids[n%len(ids)], `subscription($a: Int) { f(a: $a) }`, fmt.Sprintf(`{"a":%d}`, n))
		if errs != nil {
			b.Fatal(errs)
		}
		if _, errs := o.Subscribe(mute{}, broker.Resume{}); errs != nil {
			b.Fatal(errs)
		}
	}
	return s
}

func allocationsOf(f func()) float64 {
	var before, after goruntime.MemStats
	goruntime.GC()
	goruntime.ReadMemStats(&before)
	f()
	goruntime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs)
}
