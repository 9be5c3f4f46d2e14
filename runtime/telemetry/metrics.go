package telemetry

import (
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// MetricsConfig holds what Metrics are made with.
type MetricsConfig struct {
	// Source is read at each scrape.
	Source Source
	// Tenants is how many of the busiest tenants have series of their own.
	Tenants int
}

// Metrics are those of one server, in the format of Prometheus. They are safe for
// concurrent use.
//
// What happens seldom, as a request or an upload, is told to them. What happens
// per event is counted where it happens, and read by a Source when metrics are
// asked for. Labels take their values from short lists that are known, but for
// the tenants of MetricsConfig.Tenants.
type Metrics struct {
	registry *prometheus.Registry
	reader   *reader

	requests    *prometheus.CounterVec
	refused     *prometheus.CounterVec
	uploads     *prometheus.CounterVec
	activations prometheus.Counter
	compiles    *prometheus.HistogramVec
	events      prometheus.Counter
	delay       prometheus.Histogram
}

// New returns metrics in a registry of their own.
func New(config MetricsConfig) *Metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry:    prometheus.NewRegistry(),
		reader:      newReader(config),
		requests:    counters("runnel_http_requests_total", "HTTP requests that were answered, or upgraded to a WebSocket.", "route", "status"),
		refused:     counters("runnel_publish_refused_total", "Requests to publish events of which none was accepted, by error code.", "code"),
		uploads:     counters("runnel_uploads_total", "Uploads of modules, by what became of them.", "outcome"),
		activations: prometheus.NewCounter(prometheus.CounterOpts{Name: "runnel_activations_total", Help: "Changes of what serves a tenant: activations, roll-backs, deletions of modules, and each tenant's first when the server starts."}),
		compiles: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "runnel_compile_duration_seconds", Help: "Time that checking, rewriting and compiling one module took, without waiting for a turn.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"outcome"}),
		events: prometheus.NewCounter(prometheus.CounterOpts{Name: "runnel_events_total", Help: "Events that came from the bus."}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "runnel_event_delay_seconds", Help: "Time from an event's acceptance to the search for its subscribers: what the bus, the tenant's earlier events and its rates took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}),
	}
	for _, outcome := range Outcomes() {
		m.uploads.WithLabelValues(string(outcome))
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(),
		m.requests, m.refused, m.uploads, m.activations, m.compiles, m.events, m.delay,
		m.reader,
	)
	return m
}

// buildInfo is 1, with the version of the program's main module.
func buildInfo() prometheus.Collector {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "runnel_build_info", Help: "Always 1; the label is the version of the program.", ConstLabels: prometheus.Labels{"version": version},
	})
	g.Set(1)
	return g
}

// Handler answers scrapes, one at a time.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 1, ErrorHandling: promhttp.HTTPErrorOnError})
}

// Gather implements prometheus.Gatherer.
func (m *Metrics) Gather() ([]*dto.MetricFamily, error) { return m.registry.Gather() }

// Request counts an answer. route is one of few, never a path as it was sent.
func (m *Metrics) Request(route string, status int) {
	m.requests.WithLabelValues(route, statusClass(status)).Inc()
}

func statusClass(status int) string {
	classes := [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}
	if i := status/100 - 1; i >= 0 && i < len(classes) {
		return classes[i]
	}
	return "other"
}

// PublishRefused counts a publisher's request that was refused, by error code.
func (m *Metrics) PublishRefused(code string) { m.refused.WithLabelValues(code).Inc() }

// Outcome is what becomes of an upload.
type Outcome string

// The outcomes.
const (
	Created Outcome = "created" // a new version
	Known   Outcome = "known"   // the same bytes were there
	Refused Outcome = "refused" // something is wrong with it
	Busy    Outcome = "busy"    // too many uploads of the tenant wait
	Failed  Outcome = "failed"  // the server's fault, or the request was given up
)

// Outcomes returns all outcomes. The caller owns the slice.
func Outcomes() []Outcome { return []Outcome{Created, Known, Refused, Busy, Failed} }

// Uploaded counts an upload.
func (m *Metrics) Uploaded(o Outcome) { m.uploads.WithLabelValues(string(o)).Inc() }

// Activated counts a change of what serves a tenant.
func (m *Metrics) Activated() { m.activations.Inc() }

// Compiled counts a compilation: one that was Created, Refused or Failed.
func (m *Metrics) Compiled(o Outcome, took time.Duration) {
	m.compiles.WithLabelValues(string(o)).Observe(took.Seconds())
}

// Received counts an event that came from the bus, so long after it was
// accepted. It allocates nothing and looks nothing up.
func (m *Metrics) Received(delay time.Duration) {
	m.events.Inc()
	m.delay.Observe(max(0, delay.Seconds()))
}

// Leave is told of a tenant that will not be among Source.Usage any more, with
// what it has used at last.
func (m *Metrics) Leave(u Usage) { m.reader.leave(u) }
