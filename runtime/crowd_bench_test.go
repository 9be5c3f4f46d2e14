package runtime_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	goruntime "runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// crowd is a server with subscribers in its own process, each of a customer of its own.
type crowd struct {
	server  *runtime.Server
	broker  *broker.Broker
	tenant  *tenant.Tenant
	done    chan error
	live    []*broker.Subscription
	arrived chan struct{}
	random  *rand.Rand
}

// arrivals is a sink that tells of what it takes.
type arrivals chan struct{}

func (a arrivals) Next(graph.Delivery) (taken, skipped bool) { a <- struct{}{}; return true, false }
func (arrivals) Position(string)                             {}
func (arrivals) Ready() bool                                 { return true }
func (arrivals) Error(graph.Errors)                          {}
func (arrivals) Complete()                                   {}

func newCrowd() (*crowd, error) {
	server, err := runtime.New(runtime.Config{Dev: true, CompileInProcess: true})
	if err != nil {
		return nil, err
	}
	c := &crowd{server: server, broker: runtime.Broker(server), done: make(chan error, 1), arrived: make(chan struct{}, 16), random: rand.New(rand.NewPCG(1, 2))}
	go func() { c.done <- server.Run(context.Background()) }()
	limits := []byte(`{"subscriptions":10000000,"eventsPerSecond":1000000,"operationsPerSecond":1000000}`)
	if err := errors.Join(server.CreateTenant(context.Background(), "acme", limits), server.Push(context.Background(), "acme", "orders", examples.OrdersRust)); err != nil {
		return nil, err
	}
	c.tenant, err = runtime.Tenant(server, "acme")
	return c, err
}

func (c *crowd) close() error {
	return errors.Join(c.server.Shutdown(context.Background()), <-c.done)
}

const crowdOperation = "subscription($c: ID!) { orderUpdated(customerId: $c) { id customerId status total sentAt } }"

func (c *crowd) subscribe(customer int, id tenant.Identity) (*broker.Subscription, error) {
	o, errs := c.broker.Open(context.Background(), c.tenant, id, graph.Request{Query: crowdOperation, Variables: fmt.Appendf(nil, `{"c":"customer-%07d"}`, customer)})
	if errs != nil {
		return nil, errs
	}
	s, errs := o.Subscribe(arrivals(c.arrived), broker.Resume{})
	if errs != nil {
		return nil, errs
	}
	return s, nil
}

// fill brings the crowd to so many.
func (c *crowd) fill(many int) error {
	for n := len(c.live); n < many; n++ {
		s, err := c.subscribe(n, tenant.Identity{})
		if err != nil {
			return err
		}
		c.live = append(c.live, s)
	}
	return nil
}

// events publishes events one after the other, each for one of the crowd, in random order,
// and waits for each to be delivered.
func (c *crowd) events(n int) (time.Duration, error) {
	start := bench.ProcessorTime()
	for range n {
		payload := fmt.Appendf(nil, `{"id":"o1","customerId":"customer-%07d","status":"PAID","total":12.5,"sentAt":1764000000000,"note":"ring twice"}`, c.random.IntN(len(c.live)))
		if _, err := c.server.Publish(context.Background(), "acme", event.Event{Channel: "orders", Payload: payload}); err != nil {
			return 0, err
		}
		<-c.arrived
	}
	return bench.ProcessorTime() - start, nil
}

// turnover has subscribers leave, in random order, and others come in their places.
func (c *crowd) turnover(n int) (time.Duration, error) {
	start := bench.ProcessorTime()
	for range n {
		i := c.random.IntN(len(c.live))
		c.live[i].Close()
		var err error
		if c.live[i], err = c.subscribe(i, tenant.Identity{}); err != nil {
			return 0, err
		}
	}
	return bench.ProcessorTime() - start, nil
}

// crowdVariable makes the test binary a crowd of so many, in a process of its own: the
// collector's work for a large heap must not be a small one's.
const crowdVariable = "RUNNEL_TEST_CROWD"

// serveCrowd answers each line on stdin, which has an action and a number of times, with
// the nanoseconds of processor time that it took.
func serveCrowd(many string) error {
	n, err := strconv.Atoi(many)
	if err != nil {
		return err
	}
	c, err := newCrowd()
	if err != nil {
		return err
	}
	if err := c.fill(n); err != nil {
		return err
	}
	goruntime.GC()
	var action string
	for lines := bufio.NewReader(os.Stdin); ; {
		var times int
		if _, err := fmt.Fscanln(lines, &action, &times); err != nil {
			return c.close() // the benchmark has hung up
		}
		var took time.Duration
		switch action {
		case "events":
			took, err = c.events(times)
		case "turnover":
			took, err = c.turnover(times)
		}
		if err != nil {
			return err
		}
		fmt.Println(took.Nanoseconds())
	}
}

// startCrowd starts a crowd in a process and returns its sides.
func startCrowd(b *testing.B, many int) (side func(action string) bench.Side, end func()) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d", crowdVariable, many))
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	answers := bufio.NewReader(out)
	return func(action string) bench.Side {
			return func(n int) (time.Duration, error) {
				if _, err := fmt.Fprintln(in, action, n); err != nil {
					return 0, err
				}
				var nanoseconds int64
				_, err := fmt.Fscanln(answers, &nanoseconds)
				return time.Duration(nanoseconds), err
			}
		}, func() {
			_ = in.Close()
			if err := child.Wait(); err != nil {
				b.Error(err)
			}
		}
}

// BenchmarkCrowd prints a table of what an event for one, and a subscriber who leaves and
// another who comes, cost among a million, against a thousand: processor time of the whole
// process, in interleaved pairs. Another row is what 100,000 who come and go ten times leave
// behind.
func BenchmarkCrowd(b *testing.B) {
	const few, many, rounds = 1000, 1_000_000, 9
	for b.Loop() {
		large, endLarge := startCrowd(b, many)
		small, endSmall := startCrowd(b, few)
		compared, err := bench.Interleave(rounds, [2]bench.Side{large("events"), small("events")}, [2]bench.Side{large("turnover"), small("turnover")})
		if err != nil {
			b.Fatal(err)
		}
		endLarge()
		endSmall()
		var rows []bench.Row
		for i, what := range []string{"event for one among 1,000,000 and among 1,000", "leave and subscribe among 1,000,000 and among 1,000"} {
			c := compared[i]
			ratio := bench.Median(c.Ratios())
			row := bench.Row{What: what, Measured: fmt.Sprintf("%s and %s, ratio %s", bench.Duration(bench.Median(c.A)), bench.Duration(bench.Median(c.B)), bench.Spread(c.Ratios()))}
			if i == 0 {
				row.Target, row.Verdict = "ratio at most 1.5", bench.AtMost(ratio, 1.5)
			}
			rows = append(rows, row)
		}
		rows = append(rows, churnRow(b))
		fmt.Printf("\nA tenant with many subscribers: %s\n\n", bench.Machine())
		if err := bench.PrintTable(os.Stdout, rows); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// residue is what a process holds when it has collected. stacks are those of goroutines, as far as
// they are used. The spans of 32 KB that Go has stacks in are not judged: one is kept while any stack
// in it is, and each thread has two stacks that fill one and a half.
type residue struct{ heap, stacks, goroutines, spans, threads float64 }

func collected() residue {
	for range 3 { // pools hold what they have for two rounds
		goruntime.GC()
	}
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	scanned := []metrics.Sample{{Name: "/gc/scan/stack:bytes"}, {Name: "/sched/threads/total:threads"}}
	metrics.Read(scanned)
	return residue{
		heap: float64(m.HeapAlloc), stacks: float64(scanned[0].Value.Uint64()), goroutines: float64(goruntime.NumGoroutine()),
		spans: float64(m.StackInuse) / (32 << 10), threads: float64(scanned[1].Value.Uint64()),
	}
}

// churn has so many come and go, several times, and returns what each time left.
func (c *crowd) churn(many, times int) (left []residue, err error) {
	for range times {
		if err := c.fill(many); err != nil {
			return nil, err
		}
		c.random.Shuffle(len(c.live), func(i, j int) { c.live[i], c.live[j] = c.live[j], c.live[i] })
		for _, s := range c.live {
			s.Close()
		}
		c.live = slices.Delete(c.live, 0, len(c.live))
		left = append(left, collected())
	}
	return left, nil
}

// growth is how much more the last of some left than the first, of what grew most. Stacks and
// goroutines that are about to end come and go: of several at either end, it takes those that
// differ least.
func growth(left []residue, ends int) float64 {
	first, last := left[0], left[len(left)-1]
	for i := range ends {
		a, b := left[i], left[len(left)-1-i]
		first = residue{heap: max(first.heap, a.heap), stacks: max(first.stacks, a.stacks), goroutines: max(first.goroutines, a.goroutines)}
		last = residue{heap: min(last.heap, b.heap), stacks: min(last.stacks, b.stacks), goroutines: min(last.goroutines, b.goroutines)}
	}
	return max(last.heap/first.heap, last.stacks/first.stacks, last.goroutines/first.goroutines) - 1
}

func churnRow(b *testing.B) bench.Row {
	c, err := newCrowd()
	if err != nil {
		b.Fatal(err)
	}
	left, err := c.churn(100_000, 10)
	if err := errors.Join(err, c.close()); err != nil {
		b.Fatal(err)
	}
	first, last := left[0], left[len(left)-1]
	return bench.Row{
		What: "100,000 subscriptions opened and closed 10 times, the last against the first",
		Measured: fmt.Sprintf("heap %.2f and %.2f MB, goroutines %.0f and %.0f, on their stacks %.1f and %.1f KB; beside it, spans for stacks %.0f and %.0f, threads %.0f and %.0f",
			last.heap/1e6, first.heap/1e6, last.goroutines, first.goroutines, last.stacks/1e3, first.stacks/1e3, last.spans, first.spans, last.threads, first.threads),
		Target: "within 5 %", Verdict: bench.AtMost(100*growth(left, 1), 5),
	}
}

// TestChurnLeavesNothing is the same with fewer.
func TestChurnLeavesNothing(t *testing.T) {
	c, err := newCrowd()
	if err != nil {
		t.Fatal(err)
	}
	left, err := c.churn(5000, 5)
	if err := errors.Join(err, c.close()); err != nil {
		t.Fatal(err)
	}
	if g := growth(left, 2); g > .05 {
		t.Errorf("%.1f %% more is left than after the first time: %v", 100*g, left)
	}
}

// TestSocketsLeaveNothing is the same over sockets.
func TestSocketsLeaveNothing(t *testing.T) {
	c, err := newCrowd()
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(c.server)
	const sockets, times = 200, 6
	var left []residue
	for range times {
		t.Run("", func(t *testing.T) { // which closes them, and forgets them
			for range sockets {
				subscribeAll(t, web.URL, 20)
			}
		})
		for end := time.Now().Add(10 * time.Second); c.broker.Usage(c.tenant).Subscriptions > 0 || len(left) > 0 && goruntime.NumGoroutine() > int(left[0].goroutines); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d goroutines are left, and %d subscriptions", goruntime.NumGoroutine(), c.broker.Usage(c.tenant).Subscriptions)
			}
		}
		time.Sleep(50 * time.Millisecond) // for those that are about to end
		left = append(left, collected())
	}
	web.Close()
	if err := c.close(); err != nil {
		t.Error(err)
	}
	if g := growth(left, 2); g > .05 {
		t.Errorf("%.1f %% more is left than after the first time: %v", 100*g, left)
	}
}

// TestTwoRunsForAHundredThousand has 100,000 subscribers of a resolver that asks for one
// permission, which half of them have.
func TestTwoRunsForAHundredThousand(t *testing.T) {
	const many = 100_000
	c, err := newCrowd()
	if err != nil {
		t.Fatal(err)
	}
	c.arrived = make(chan struct{}, many)
	permitted, err := tenant.NewIdentity(nil, []string{"orders:note"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range many {
		id := tenant.Identity{}
		if n%2 == 0 {
			id = permitted
		}
		o, errs := c.broker.Open(t.Context(), c.tenant, id, graph.Request{Query: "subscription { orderUpdated { id note } }"})
		if errs != nil {
			t.Fatal(errs)
		}
		if _, errs := o.Subscribe(arrivals(c.arrived), broker.Resume{}); errs != nil {
			t.Fatal(errs)
		}
	}
	before := c.broker.Usage(c.tenant).Runs
	payload := []byte(`{"id":"o1","customerId":"c1","status":"PAID","total":12.5,"note":"ring twice"}`)
	if _, err := c.server.Publish(t.Context(), "acme", event.Event{Channel: "orders", Payload: payload}); err != nil {
		t.Fatal(err)
	}
	for range many {
		<-c.arrived
	}
	if runs := c.broker.Usage(c.tenant).Runs - before; runs != 2 {
		t.Errorf("%d runs, want 2", runs)
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
}
