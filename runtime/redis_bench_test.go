package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/event"
	_ "github.com/runnel-dev/runnel/runtime/event/redis"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
)

const redisPayload = `{"id":"o1","customerId":"c1","status":"PAID","total":12.5,"sentAt":1764000000000,"note":"ring twice"}`

// BenchmarkRedis prints a table of the Redis bus against go-redis alone, on one
// server with an append-only file, in interleaved pairs.
func BenchmarkRedis(b *testing.B) {
	for b.Loop() {
		p := newRedisPair(b)
		rows := append(p.latencies(), p.rates()...)
		rows = append(rows, p.channels()...)
		fmt.Printf("\nRedis bus beside go-redis alone: %s\n\n", bench.Machine("github.com/redis/go-redis"))
		if err := bench.PrintTable(os.Stdout, rows); err != nil {
			b.Fatal(err)
		}
		p.close()
	}
	b.ReportMetric(0, "ns/op")
}

// redisPair is a bus with its tail, and a client with its reader, on one server.
type redisPair struct {
	*testing.B
	url    string
	server *redistest.Server
	client *goredis.Client
	bus    event.Bus
	got    counter // by the tail
	bare   counter // by the reader of the client
	cancel context.CancelFunc
	ended  chan error
	closer []func() error
	names  int // of ids
}

// counter counts what has arrived, and tells who waits for one.
type counter struct {
	n       atomic.Int64
	arrived chan time.Time
}

func (c *counter) add(n int) {
	c.n.Add(int64(n))
	select {
	case c.arrived <- time.Now():
	default:
	}
}

func (c *counter) wait(until int64) {
	for c.n.Load() < until {
		<-c.arrived
	}
}

// countingSink counts events.
type countingSink struct{ got *counter }

func (s countingSink) Receive(*event.Event) bool {
	s.got.add(1)
	return true
}
func (countingSink) Gap(string, event.Gap)                 { panic("a gap") }
func (countingSink) Skipped(string, event.Position, error) { panic("skipped") }
func (countingSink) Tenants() iter.Seq2[string, event.Retention] {
	return func(yield func(string, event.Retention) bool) { _ = yield("a", redisKeep) && yield("b", redisKeep) }
}

var redisKeep = event.Retention{Bytes: 1 << 30, Events: 1 << 20, Age: time.Hour, IDs: 10 * time.Minute}

const bareStream = "bare"

func newRedisPair(b *testing.B) *redisPair {
	server, err := redistest.Start("--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
	if err != nil {
		b.Fatal(err)
	}
	p := &redisPair{B: b, server: server, url: server.URL("bench"), ended: make(chan error, 2)}
	p.got.arrived, p.bare.arrived = make(chan time.Time, 1), make(chan time.Time, 1)
	u, err := url.Parse(p.url)
	if err != nil {
		b.Fatal(err)
	}
	password, _ := u.User.Password()
	p.client = goredis.NewClient(&goredis.Options{Addr: u.Host, Password: password, Protocol: 2})
	if p.bus, err = event.Open(b.Context(), p.url, event.Options{}); err != nil {
		b.Fatal(err)
	}
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	go func() { p.ended <- p.bus.Tail(ctx, countingSink{&p.got}) }()
	go func() { p.ended <- p.readBare(ctx) }()
	return p
}

// readBare is the reader that is compared with: XREAD BLOCK in a loop.
func (p *redisPair) readBare(ctx context.Context) error {
	last := "0-0"
	for ctx.Err() == nil {
		answer, err := p.client.XRead(ctx, &goredis.XReadArgs{Streams: []string{bareStream, last}, Count: 512, Block: 100 * time.Millisecond}).Result()
		switch {
		case errors.Is(err, goredis.Nil):
			continue
		case err != nil:
			return err
		}
		for _, m := range answer[0].Messages {
			last = m.ID
		}
		p.bare.add(len(answer[0].Messages))
	}
	return nil
}

func (p *redisPair) close() {
	p.cancel()
	if err := errors.Join(<-p.ended, <-p.ended, p.bus.Close(), p.client.Close(), p.server.Remove()); err != nil && !errors.Is(err, context.Canceled) {
		p.Fatal(err)
	}
}

func (p *redisPair) publish(tenant string, events ...event.Event) {
	if _, err := p.bus.Publish(p.Context(), tenant, events, redisKeep); err != nil {
		p.Fatal(err)
	}
}

func barePayload(channel string) *goredis.XAddArgs {
	return &goredis.XAddArgs{Stream: bareStream, Values: []any{"channel", channel, "payload", []byte(redisPayload)}}
}

// roundTrips returns the median and the 99th percentile, in ns, of the times from
// a call to what arrives then.
func roundTrips(n int, c *counter, call func()) (p50, p99 float64) {
	took := make([]time.Duration, n)
	for i := range took {
		before := c.n.Load()
		select {
		case <-c.arrived:
		default:
		}
		start := time.Now()
		call()
		for c.n.Load() == before {
			<-c.arrived
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return float64(took[n/2]), float64(took[n*99/100])
}

// latencies compares how long an event takes from Publish to the tail.
func (p *redisPair) latencies() []bench.Row {
	const rounds, each = 7, 1000
	socket, post := p.path()
	var path counter
	path.arrived = make(chan time.Time, 1)
	go func() {
		for {
			_, message, err := socket.NextReader()
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, message)
			path.add(1)
		}
	}()
	var p50, p99 bench.Comparison
	var whole50, whole99 []float64
	add := func(c *bench.Comparison, a, b float64) { c.A, c.B = append(c.A, a), append(c.B, b) }
	for range rounds {
		ours50, ours99 := roundTrips(each, &p.got, func() { p.publish("a", event.Event{Channel: "orders", Payload: []byte(redisPayload)}) })
		bare50, bare99 := roundTrips(each, &p.bare, func() {
			if err := p.client.XAdd(p.Context(), barePayload("orders")).Err(); err != nil {
				p.Fatal(err)
			}
		})
		path50, path99 := roundTrips(each/4, &path, post)
		add(&p50, ours50, bare50)
		add(&p99, ours99, bare99)
		whole50, whole99 = append(whole50, path50), append(whole99, path99)
	}
	for _, c := range p.closer {
		if err := c(); err != nil {
			p.Fatal(err)
		}
	}
	ratio := func(what string, c bench.Comparison) bench.Row {
		return bench.Row{What: what, Measured: c.String(), Target: "≤ 1.5", Verdict: bench.AtMost(bench.Median(c.Ratios()), 1.5)}
	}
	whole := func(what string, took []float64) bench.Row {
		return bench.Row{What: what, Measured: bench.Duration(bench.Median(took)) + " (" + bench.Duration(slices.Min(took)) + "–" + bench.Duration(slices.Max(took)) + ")"}
	}
	return []bench.Row{
		ratio("Publish to the tail's callback / XADD to XREAD BLOCK, p50", p50), ratio("the same, p99", p99),
		whole("HTTP to WebSocket over Redis, with a run, p50", whole50), whole("the same, p99", whole99),
	}
}

// path is a server on a bus of its own, on the same Redis: what is posted comes
// out of the socket.
func (p *redisPair) path() (socket interface {
	NextReader() (int, io.Reader, error)
}, post func(),
) {
	bus, err := event.Open(p.Context(), p.server.URL("path"), event.Options{})
	if err != nil {
		p.Fatal(err)
	}
	server, err := runtime.New(runtime.Config{Dev: true, Bus: bus})
	if err != nil {
		p.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- server.Run(ctx) }()
	web := httptest.NewServer(server)
	if err := errors.Join(server.CreateTenant(ctx, "acme", []byte(`{"eventsPerSecond":1000000,"deliveriesPerSecond":1000000}`)), server.Push(ctx, "acme", "orders", examples.OrdersRust)); err != nil {
		p.Fatal(err)
	}
	conn := subscribeAll(p, web.URL, 1)
	p.closer = append(p.closer, func() error {
		err := conn.Close()
		web.Close()
		cancel()
		return errors.Join(err, <-ran, server.Shutdown(context.Background()), bus.Close())
	})
	body, err := json.Marshal(map[string]any{"channel": "orders", "payload": json.RawMessage(redisPayload)})
	if err != nil {
		p.Fatal(err)
	}
	return conn, func() {
		answer, err := http.Post(web.URL+"/v1/tenants/acme/events", "application/json", strings.NewReader(string(body)))
		if err != nil {
			p.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusAccepted {
			p.Fatal(answer.Status, err)
		}
	}
}

const rateEvents, rateBatch = 30_000, 100

// timeBus publishes batches until the tail has them all, and returns ns per event.
func (p *redisPair) timeBus(tenant string, channels int, ids bool) float64 {
	before, start := p.got.n.Load(), time.Now()
	for n := 0; n < rateEvents; n += rateBatch {
		batch := make([]event.Event, rateBatch)
		for i := range batch {
			batch[i] = event.Event{Channel: fmt.Sprint("c", (n+i)%channels), Payload: []byte(redisPayload)}
			if ids {
				p.names++
				batch[i].ID = fmt.Sprintf("event-%010d", p.names)
			}
		}
		p.publish(tenant, batch...)
	}
	p.got.wait(before + rateEvents)
	return float64(time.Since(start)) / rateEvents
}

func (p *redisPair) timeBare() float64 {
	before, start := p.bare.n.Load(), time.Now()
	for n := 0; n < rateEvents; n += rateBatch {
		_, err := p.client.Pipelined(p.Context(), func(pipe goredis.Pipeliner) error {
			for i := range rateBatch {
				pipe.XAdd(p.Context(), barePayload(fmt.Sprint("c", (n+i)%10)))
			}
			return nil
		})
		if err != nil {
			p.Fatal(err)
		}
	}
	p.bare.wait(before + rateEvents)
	return float64(time.Since(start)) / rateEvents
}

// rates compares how many events per second come from one publisher to the tail.
func (p *redisPair) rates() []bench.Row {
	const rounds = 7
	var plain, named bench.Comparison
	for round := range rounds + 1 {
		bare := p.timeBare()
		ours := p.timeBus("a", 10, false)
		withIDs := p.timeBus("a", 10, true)
		if round == 0 {
			continue // to warm up
		}
		plain.A, plain.B = append(plain.A, bare), append(plain.B, ours)
		named.A, named.B = append(named.A, bare), append(named.B, withIDs)
	}
	row := func(what string, c bench.Comparison, target float64) bench.Row {
		rate := func(ns []float64) string { return fmt.Sprintf("%.0f/s", 1e9/bench.Median(ns)) }
		return bench.Row{
			What: what, Measured: fmt.Sprintf("%s, %s / %s", bench.Spread(c.Ratios()), rate(c.B), rate(c.A)),
			Target: fmt.Sprint("≥ ", target), Verdict: bench.AtLeast(bench.Median(c.Ratios()), target),
		}
	}
	return []bench.Row{
		row("events/s, batches of 100 / pipelined XADD + XREAD", plain, 0.7),
		row("the same, with ids", named, 0.35),
	}
}

// channels compares what events cost on few channels and on many.
func (p *redisPair) channels() []bench.Row {
	const rounds = 5
	var tail, pages bench.Comparison
	from := map[int]event.Position{}
	names := map[int]string{10: "few", 10_000: "many"}
	for channels, name := range names {
		from[channels] = p.bus.Start()
		p.publish(name, event.Event{Channel: "x", Payload: []byte(redisPayload)})
	}
	p.got.wait(p.got.n.Load()) // the reader knows them
	read := func(channels int) float64 {
		start := time.Now()
		after, n := from[channels], 0
		for more := true; more; {
			page, err := p.bus.Read(p.Context(), names[channels], nil, after, 1000)
			if err != nil {
				p.Fatal(err)
			}
			after, more, n = page.Next, page.More, n+len(page.Events)
		}
		from[channels] = after
		return float64(time.Since(start)) / float64(n)
	}
	for range rounds {
		many, few := p.timeBus("many", 10_000, false), p.timeBus("few", 10, false)
		tail.A, tail.B = append(tail.A, many), append(tail.B, few)
		many, few = read(10_000), read(10)
		pages.A, pages.B = append(pages.A, many), append(pages.B, few)
	}
	row := func(what string, c bench.Comparison) bench.Row {
		return bench.Row{What: what, Measured: c.String(), Target: "≤ 1.5", Verdict: bench.AtMost(bench.Median(c.Ratios()), 1.5)}
	}
	return []bench.Row{row("an event to the tail, 10,000 channels / 10", tail), row("an event by Read, 10,000 channels / 10", pages)}
}
