package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
	"github.com/runnel-dev/runnel/runtime/event/postgres"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

const (
	batchEvents = 100
	sideBatches = 100 // of one side of a pair
	pairs       = 7
)

var benchPayload = []byte(`{"order":{"id":"o-1","status":"PAID","total":1250,"customer":"c-17","lines":[{"sku":"a","n":2},{"sku":"b","n":1}]}}`)

// counter is a sink that counts.
type counter struct {
	received atomic.Int64
	want     int64
	done     chan struct{}
}

func (c *counter) Receive(*event.Event) bool {
	if c.received.Add(1) == c.want {
		c.done <- struct{}{}
	}
	return true
}
func (c *counter) Gap(string, event.Gap)                 {}
func (c *counter) Skipped(string, event.Position, error) {}
func (c *counter) Tenants() iter.Seq2[string, event.Retention] {
	return func(yield func(string, event.Retention) bool) { yield("shop", eventtest.Keep) }
}

// side moves events from so many publishers to a reader, and tells how many a second.
type side func(b *testing.B, publishers int) float64

// BenchmarkEvents compares events through the bus with what PostgreSQL itself
// takes: INSERT of as many rows at once, and a reader.
func BenchmarkEvents(b *testing.B) {
	server := postgrestest.Own(b, "fsync=on")
	database := server.Database(b, "events")
	through, withIDs := busSides(b, database)
	bare := bareSide(b, database)
	rows := []bench.Row{}
	for range b.N {
		rows = rows[:0]
		for _, c := range []struct {
			what       string
			publishers int
			side       side
			target     float64
		}{{"one publisher", 1, through, 0.7}, {"four publishers", 4, through, 0.7}, {"one publisher, with ids", 1, withIDs, 0}} {
			var ratios, rates, bareRates []float64
			for n := range pairs + 1 {
				rate, bareRate := c.side(b, c.publishers), bare(b, c.publishers)
				if n == 0 {
					continue // to warm up
				}
				ratios, rates, bareRates = append(ratios, rate/bareRate), append(rates, rate), append(bareRates, bareRate)
			}
			row := bench.Row{
				What:     fmt.Sprintf("events per second through PostgreSQL to bare INSERT + read, batches of %d, %s (%.0f / %.0f)", batchEvents, c.what, bench.Median(rates), bench.Median(bareRates)),
				Measured: bench.Spread(ratios),
			}
			if c.target > 0 {
				row.Target, row.Verdict = fmt.Sprintf("at least %g", c.target), bench.AtLeast(bench.Median(ratios), c.target)
			}
			rows = append(rows, row)
		}
	}
	fmt.Printf("\n%s, fsync on, %d interleaved pairs of %d events\n", bench.Machine("github.com/jackc/pgx"), pairs, sideBatches*batchEvents)
	if err := bench.PrintTable(os.Stdout, rows); err != nil {
		b.Fatal(err)
	}
}

func busSides(b *testing.B, database string) (without, with side) {
	bus, err := postgres.Open(b.Context(), database, nil)
	if err != nil {
		b.Fatal(err)
	}
	sink := &counter{done: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	var tail sync.WaitGroup
	tail.Go(func() { _ = bus.Tail(ctx, sink) })
	b.Cleanup(func() {
		cancel()
		tail.Wait()
		_ = bus.Close()
	})
	var id atomic.Int64
	through := func(ids bool) side {
		return func(b *testing.B, publishers int) float64 {
			sink.received.Store(0)
			sink.want = sideBatches * batchEvents
			return rate(b, publishers, func() {}, sink.done, func(int) func() error {
				return func() error {
					events := make([]event.Event, batchEvents)
					for i := range events {
						events[i] = event.Event{Channel: "orders", Payload: bytes.Clone(benchPayload)}
						if ids {
							events[i].ID = fmt.Sprint("order-", id.Add(1))
						}
					}
					_, err := bus.Publish(context.Background(), "shop", events, eventtest.Keep)
					return err
				}
			})
		}
	}
	return through(false), through(true)
}

// rate has publishers publish and waits until all has arrived.
func rate(b *testing.B, publishers int, published func(), done <-chan struct{}, publisher func(n int) func() error) float64 {
	start := time.Now()
	var group sync.WaitGroup
	for n := range publishers {
		publish := publisher(n)
		group.Go(func() {
			for range sideBatches / publishers {
				if err := publish(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	published()
	select {
	case <-done:
	case <-time.After(time.Minute):
		b.Fatal("not all events have arrived")
	}
	return sideBatches * batchEvents / time.Since(start).Seconds()
}

func bareSide(b *testing.B, database string) side {
	owner := connect(b, database)
	exec(b, owner, "create table bare (like runnel.events including all)")
	insert := "insert into bare (tenant, channel, id, payload) values "
	var values []string
	for n := range batchEvents {
		values = append(values, fmt.Sprintf("($%d, $%d, $%d, $%d)", 4*n+1, 4*n+2, 4*n+3, 4*n+4))
	}
	insert += strings.Join(values, ", ")
	var writers []*pgx.Conn
	for range 4 {
		writers = append(writers, connect(b, database))
	}
	var last int64
	return func(b *testing.B, publishers int) float64 {
		done := make(chan struct{}, 1)
		var published atomic.Bool
		go func() {
			if err := readBare(owner, &last, &published); err != nil {
				b.Error(err)
			}
			done <- struct{}{}
		}()
		return rate(b, publishers, func() { published.Store(true) }, done, func(n int) func() error {
			return func() error {
				var arguments []any
				for range batchEvents {
					arguments = append(arguments, "shop", "orders", nil, string(benchPayload))
				}
				_, err := writers[n].Exec(context.Background(), insert, arguments...)
				return err
			}
		})
	}
}

// readBare reads whatever lies behind the last until all is published, with a pause
// where there is none. It passes over what commits late, which makes it no slower.
func readBare(conn *pgx.Conn, last *int64, published *atomic.Bool) error {
	for {
		end, got := published.Load(), false
		rows, err := conn.Query(context.Background(), "select position, tenant, channel, id, payload, time from bare where position > $1 order by position limit 1000", *last)
		if err != nil {
			return err
		}
		var tenant, channel string
		var id *string
		var payload []byte
		var when time.Time
		_, err = pgx.ForEachRow(rows, []any{last, &tenant, &channel, &id, &payload, &when}, func() error {
			got = true
			return nil
		})
		switch {
		case err != nil:
			return err
		case end && !got:
			return nil
		case !got:
			time.Sleep(time.Millisecond)
		}
	}
}
