package graph_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
)

// searchTime is how long BenchmarkOperationBombs looks for worse operations.
const searchTime = 20 * time.Second

// slowest is what an operation within the default limits may take to be
// prepared.
const slowest = 20 * time.Millisecond

// bomb is the shape of an operation with its parameters, which mean something
// else to each shape.
type bomb struct {
	shape   int
	a, b, c int
	n       int // how often it repeats: as often as the limits allow
}

type foundBomb struct {
	bomb
	bytes int
	took  time.Duration
	end   string // accepted, or the message of the first error
}

// BenchmarkOperationBombs searches the shapes of operations for those that take
// longest to prepare, over a schema that is made for it, and within the default
// limits.
func BenchmarkOperationBombs(b *testing.B) {
	schema := bombSchema(b)
	for b.Loop() {
		worst := make([]foundBomb, len(bombShapes))
		r := rand.New(rand.NewPCG(1, 2))
		tried := 0
		for end := time.Now().Add(searchTime); time.Now().Before(end); tried++ {
			candidate := bomb{tried % len(bombShapes), 1 + r.IntN(300), 1 + r.IntN(20), 1 + r.IntN(20), 0}
			if best := worst[candidate.shape]; best.took > 0 && r.IntN(2) == 0 {
				candidate = best.changed(r)
			}
			if f := candidate.explode(schema, 1); f.took > worst[candidate.shape].took {
				// What other programs take of the processor is not the operation's.
				if f = candidate.explode(schema, 5); f.took > worst[candidate.shape].took {
					worst[candidate.shape] = f
				}
			}
		}
		slices.SortFunc(worst, func(x, y foundBomb) int { return int(y.took - x.took) })
		var table strings.Builder
		for _, f := range worst[:8] { // the package testing cuts longer tables
			_, _ = fmt.Fprintf(&table, "\n%-24s %8.2f ms %6d bytes  a=%d b=%d c=%d n=%d  %.90s",
				bombShapes[f.shape].name, f.took.Seconds()*1000, f.bytes, f.a, f.b, f.c, f.n, f.end)
		}
		b.Logf("%d operations; the slowest of each shape, target %v:%s", tried, slowest, &table)
		b.ReportMetric(worst[0].took.Seconds()*1000, "ms/worst")
		b.ReportMetric(0, "ns/op")
	}
}

// TestOperationBombs prepares one operation of each shape.
func TestOperationBombs(t *testing.T) {
	schema := bombSchema(t)
	for i, shape := range bombShapes {
		f := bomb{shape: i, a: 40, b: 1, c: 1}.explode(schema, 1)
		if f.n == 0 {
			t.Errorf("%s: %s", shape.name, f.end)
		}
		if !raceEnabled && f.took > 50*slowest {
			t.Errorf("%s: %v", shape.name, f.took)
		}
	}
}

func (b bomb) changed(r *rand.Rand) bomb {
	for _, p := range []*int{&b.a, &b.b, &b.c} {
		if r.IntN(2) == 0 {
			*p = max(1, *p+r.IntN(*p+2)-*p/2-1)
		}
	}
	return b
}

// explode prepares the largest operation of its shape that the limits let pass,
// and tells the least time of several.
func (b bomb) explode(schema *graph.Schema, times int) foundBomb {
	f := foundBomb{bomb: b}
	low, high := 0, 2500
	for low < high {
		b.n = (low + high + 1) / 2
		_, errs := schema.Prepare(bombShapes[b.shape].text(b), "", graph.Limits{})
		if errs != nil && errs[0].Code == abi.CodeLimitExceeded {
			f.end = errs[0].Message
			high = b.n - 1
		} else {
			low = b.n
		}
	}
	f.n, b.n = low, low
	text := bombShapes[b.shape].text(b)
	f.bytes = len(text)
	runtime.LockOSThread() // whose time is counted: other programs may have the processor
	defer runtime.UnlockOSThread()
	for range times {
		start := threadTime()
		_, errs := schema.Prepare(text, "", graph.Limits{})
		if took := threadTime() - start; f.took == 0 || took < f.took {
			f.took = took
		}
		f.end = "accepted"
		if errs != nil {
			f.end = errs[0].Message
		}
	}
	return f
}

// threadTime is the processor time of the thread.
func threadTime() time.Duration {
	const thisThread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thisThread, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bombSchema is near every bound that a schema has.
func bombSchema(t testing.TB) *graph.Schema {
	var s strings.Builder
	s.WriteString("scalar Any interface N { n: N m: N id: ID x(a: Int): Int } union U = T0")
	for i := 1; i < 500; i++ {
		fmt.Fprintf(&s, " | T%d", i)
	}
	for i := range 500 {
		fmt.Fprintf(&s, "\ntype T%d implements N { n: N m: N id: ID x(a: Int): Int own%d: T%d u: U }", i, i, (i+1)%500)
	}
	s.WriteString("\ntype Wide { ")
	for i := range 4900 {
		fmt.Fprintf(&s, "field%d: Int ", i)
	}
	s.WriteString("}\nenum E { ")
	for i := range 4900 {
		fmt.Fprintf(&s, "VALUE%d ", i)
	}
	s.WriteString("}\ninput One @oneOf { a: Int b: One }\ninput In { self: In list: [In] ")
	for i := range 4900 {
		fmt.Fprintf(&s, "key%d: Int ", i)
	}
	s.WriteString("}\ntype Query { n: N u: U wide: Wide t: T0 in(x: In, l: [In], e: E, any: Any, one: One, deep: [[[Int]]]): Int args(")
	for i := range 4900 {
		fmt.Fprintf(&s, "arg%d: Int ", i)
	}
	s.WriteString("): Int }")
	schema, err := graph.Compose([]graph.Source{source("m", s.String(), "Query.n", "Query.u", "Query.wide", "Query.t", "Query.in", "Query.args")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
