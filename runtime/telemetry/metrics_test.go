package telemetry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/runnel-dev/runnel/runtime/goldentest"
	"github.com/runnel-dev/runnel/runtime/telemetry"
)

// counts is a Source whose snapshots tests write.
type counts struct {
	node  telemetry.Node
	usage []telemetry.Usage
}

func (c *counts) Node() telemetry.Node     { return c.node }
func (c *counts) Usage() []telemetry.Usage { return append([]telemetry.Usage(nil), c.usage...) }

// full has a value for every metric.
func full() *counts {
	return &counts{
		node: telemetry.Node{
			Ended: []telemetry.Count{{Label: "operator", Value: 7}}, Dropped: []telemetry.Count{{Label: "quarantine", Value: 8}}, Unfinished: []telemetry.Count{{Label: "ended", Value: 9}},
			Ready: true, Failing: 1, Connections: []telemetry.Count{{Label: "websocket", Value: 1}, {Label: "sse", Value: 2}}, Arriving: 1, Waiting: 3,
			Disconnects: []telemetry.Count{{Label: "slow_consumer", Value: 4}}, Operations: 6, Validations: 5,
		},
		usage: []telemetry.Usage{{Tenant: "acme", Incarnation: "1", Fuel: 10, Runs: 2, Errors: map[string]uint64{"RESOLVER_TRAP": 1}, Subscriptions: 3}},
	}
}

// exercised has told the metrics of everything once.
func exercised(s telemetry.Source) *telemetry.Metrics {
	m := telemetry.New(telemetry.MetricsConfig{Source: s, Tenants: 2})
	m.Request("/readyz", 200)
	m.PublishRefused("LIMIT_EXCEEDED")
	m.Uploaded(telemetry.Created)
	m.Activated()
	m.Compiled(telemetry.Created, time.Second)
	m.Received(time.Millisecond)
	return m
}

func TestLint(t *testing.T) {
	m := exercised(full())
	problems, err := testutil.GatherAndLint(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "runnel_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// TestListOfMetrics holds docs/operations.md against the metrics that there are.
func TestListOfMetrics(t *testing.T) {
	families, err := exercised(full()).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	list.WriteString("| metric | type | labels | what |\n|---|---|---|---|\n")
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "runnel_") {
			fmt.Fprintf(&list, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), labels(f), f.GetHelp())
		}
	}
	goldentest.Section(t, "../../docs/operations.md", "metrics", list.String())
}

func labels(f *dto.MetricFamily) string {
	var names []string
	for _, l := range f.GetMetric()[0].GetLabel() {
		names = append(names, "`"+l.GetName()+"`")
	}
	return strings.Join(names, ", ")
}

// value returns a metric's value, where it is there. labels are names and values.
func value(t *testing.T, g prometheus.Gatherer, name string, labels ...string) (float64, bool) {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	metrics:
		for _, m := range f.GetMetric() {
			for i, l := range m.GetLabel() {
				if l.GetName() != labels[2*i] || l.GetValue() != labels[2*i+1] {
					continue metrics
				}
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue(), true
		}
	}
	return 0, false
}

func expect(t *testing.T, g prometheus.Gatherer, want float64, name string, labels ...string) {
	t.Helper()
	if got, ok := value(t, g, name, labels...); !ok || got != want {
		t.Errorf("%s%v is %v (there: %v), want %v", name, labels, got, ok, want)
	}
}

// TestSumsNeverFall: what a tenant has counted stays in the sums when it is
// deleted, be it that another has its id then.
func TestSumsNeverFall(t *testing.T) {
	s := &counts{usage: []telemetry.Usage{{Tenant: "a", Incarnation: "1", Fuel: 10, Errors: map[string]uint64{"BAD_OUTPUT": 1}}, {Tenant: "b", Incarnation: "2", Fuel: 5}}}
	m := telemetry.New(telemetry.MetricsConfig{Source: s})
	expect(t, m, 15, "runnel_fuel_total")
	s.usage[0].Fuel = 12
	expect(t, m, 17, "runnel_fuel_total")

	s.usage[0].Fuel = 20
	m.Leave(s.usage[0])
	expect(t, m, 25, "runnel_fuel_total") // it is there a moment longer
	s.usage = s.usage[1:]
	expect(t, m, 25, "runnel_fuel_total")
	expect(t, m, 1, "runnel_errors_total", "code", "BAD_OUTPUT")
	s.usage = append(s.usage, telemetry.Usage{Tenant: "a", Incarnation: "3", Fuel: 1})
	expect(t, m, 26, "runnel_fuel_total")

	// One is not there any more at a scrape, and tells its last words then.
	last := s.usage[1]
	s.usage = s.usage[:1]
	expect(t, m, 26, "runnel_fuel_total")
	last.Fuel = 4
	m.Leave(last)
	expect(t, m, 29, "runnel_fuel_total")
}

// TestNobodyScrapes: tenants that come and go are not remembered for ever.
func TestNobodyScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := telemetry.New(telemetry.MetricsConfig{Source: &counts{}})
		for i := range 1000 {
			m.Leave(telemetry.Usage{Tenant: "a", Incarnation: fmt.Sprint(i), Fuel: 1})
			time.Sleep(time.Minute)
		}
		if n := m.Remembered(); n > 30 {
			t.Errorf("%d tenants are remembered", n)
		}
		expect(t, m, 1000, "runnel_fuel_total")
	})
}

// TestBusiest: the tenants with metrics of their own are those that worked most
// of late; a choice holds for a minute, and changes no sum.
func TestBusiest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counts{usage: []telemetry.Usage{
			{Tenant: "a", Incarnation: "1", Fuel: 100}, {Tenant: "b", Incarnation: "2", DeliveredBytes: 200, Skipped: 9}, {Tenant: "c", Incarnation: "3", Runs: 1},
		}}
		m := telemetry.New(telemetry.MetricsConfig{Source: s, Tenants: 1})
		const fuel = "runnel_tenant_fuel_total"
		expect(t, m, 0, fuel, "tenant", "b")
		if _, ok := value(t, m, fuel, "tenant", "a"); ok {
			t.Error("two tenants have metrics of their own, where one may")
		}
		s.usage[0].Fuel = 1000
		time.Sleep(59 * time.Second)
		expect(t, m, 0, fuel, "tenant", "b")
		time.Sleep(time.Second)
		expect(t, m, 1000, fuel, "tenant", "a")
		if _, ok := value(t, m, fuel, "tenant", "b"); ok {
			t.Error("two tenants have metrics of their own, where one may")
		}
		expect(t, m, 1000, "runnel_fuel_total")

		// Old work counts less: b, with half of a's, goes before it after more than
		// one half-life. Its counter says what it has used in all.
		time.Sleep(6 * time.Minute)
		s.usage[1].Fuel = 500
		expect(t, m, 500, fuel, "tenant", "b")
		expect(t, m, 1500, "runnel_fuel_total")
	})
}

func TestNoTenantLabelByDefault(t *testing.T) {
	m := telemetry.New(telemetry.MetricsConfig{Source: full()})
	families, err := m.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, l := range f.GetMetric()[0].GetLabel() {
			if l.GetName() == "tenant" {
				t.Errorf("%s has the label tenant", f.GetName())
			}
		}
	}
}

func TestReceivedAllocatesNothing(t *testing.T) {
	m := telemetry.New(telemetry.MetricsConfig{Source: full()})
	if n := testing.AllocsPerRun(100, func() { m.Received(time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations per event", n)
	}
}

func TestScrape(t *testing.T) {
	w := httptest.NewRecorder()
	exercised(full()).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"runnel_ready 1\n", `runnel_http_requests_total{route="/readyz",status="2xx"} 1`, "go_goroutines", "process_open_fds", "runnel_build_info{version="} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the answer lacks %s", want)
		}
	}
}
