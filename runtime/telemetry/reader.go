package telemetry

import (
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// reader makes metrics of what its Source says at a scrape. It adds up what
// tenants have counted since the scrape before, so that no sum falls when a
// tenant is deleted.
type reader struct {
	source Source

	node    described[family[Node]]
	counted described[counted[Node]]
	sum     described[family[Usage]]
	now     described[family[Usage]]
	errors  *prometheus.Desc
	tenant  described[family[Usage]] // with the label tenant

	mu struct {
		sync.Mutex
		last    map[string]seen // by incarnation
		pruned  time.Time       // when last was
		total   Usage
		busiest busiest
	}
}

// described are families with their descriptions, one for each.
type described[F any] struct {
	families []F
	descs    []*prometheus.Desc
}

func newReader(config MetricsConfig) *reader {
	r := &reader{source: config.Source}
	for _, f := range nodes {
		r.node.add(f, f.name, f.help)
	}
	for _, f := range countedNodes {
		r.counted.add(f, f.name, f.help, f.label)
	}
	for _, f := range sums {
		r.sum.add(f, "runnel_"+f.name, f.help)
	}
	for _, f := range nows {
		r.now.add(f, "runnel_"+f.name, f.help)
	}
	r.errors = prometheus.NewDesc("runnel_errors_total", "Errors of runs and operations, by code.", []string{"code"}, nil)
	if config.Tenants > 0 {
		for _, list := range [][]family[Usage]{sums, tenants, nows} {
			for _, f := range list {
				r.tenant.add(f, "runnel_tenant_"+f.name, f.help, "tenant")
			}
		}
	}
	r.mu.last = map[string]seen{}
	r.mu.busiest = busiest{most: config.Tenants, scores: map[string]float64{}}
	return r
}

func (d *described[F]) add(family F, name, help string, labels ...string) {
	d.families = append(d.families, family)
	d.descs = append(d.descs, prometheus.NewDesc(name, help, labels, nil))
}

// Describe implements prometheus.Collector.
func (r *reader) Describe(out chan<- *prometheus.Desc) {
	for _, descs := range [][]*prometheus.Desc{r.node.descs, r.counted.descs, r.sum.descs, r.now.descs, {r.errors}, r.tenant.descs} {
		for _, desc := range descs {
			out <- desc
		}
	}
}

// Collect implements prometheus.Collector.
func (r *reader) Collect(out chan<- prometheus.Metric) {
	node := r.source.Node()
	for i, f := range r.node.families {
		out <- prometheus.MustNewConstMetric(r.node.descs[i], f.kind, f.read(&node))
	}
	for i, f := range r.counted.families {
		for _, c := range f.read(&node) {
			out <- prometheus.MustNewConstMetric(r.counted.descs[i], f.kind, float64(c.Value), c.Label)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	usage := r.readLocked()
	for i, f := range r.sum.families {
		out <- prometheus.MustNewConstMetric(r.sum.descs[i], f.kind, f.read(&r.mu.total))
	}
	for code, n := range r.mu.total.Errors {
		out <- prometheus.MustNewConstMetric(r.errors, counter, float64(n), code)
	}
	for i, f := range r.now.families {
		sum := 0.0
		for u := range usage {
			sum += f.read(&usage[u])
		}
		out <- prometheus.MustNewConstMetric(r.now.descs[i], f.kind, sum)
	}
	for u := range usage {
		if r.mu.busiest.has(usage[u].Incarnation) {
			r.collectTenant(out, &usage[u])
		}
	}
}

func (r *reader) collectTenant(out chan<- prometheus.Metric, u *Usage) {
	for i, f := range r.tenant.families {
		out <- prometheus.MustNewConstMetric(r.tenant.descs[i], f.kind, f.read(u), u.Tenant)
	}
}

// leaveTime is more than it takes to forget a tenant that has left.
const leaveTime = 10 * time.Minute

// seen is what the reader last knew of a tenant.
type seen struct {
	usage *Usage
	left  time.Time // since when it will hardly be seen again; zero while it will
}

// readLocked brings the totals and the choice of tenants up to date.
func (r *reader) readLocked() []Usage {
	usage := r.source.Usage()
	at := time.Now()
	r.mu.busiest.wear(at)
	there := make(map[string]struct{}, len(usage))
	for i := range usage {
		now := &usage[i]
		there[now.Incarnation] = struct{}{}
		r.mu.busiest.worked(now.Incarnation, r.countLocked(now))
	}
	// One that is gone and has not told its last words yet will.
	maps.DeleteFunc(r.mu.last, func(tenant string, s seen) bool {
		_, is := there[tenant]
		return !s.left.IsZero() && !is
	})
	r.mu.busiest.choose(at, there)
	return usage
}

// countLocked adds what a tenant has counted since it was last seen, and returns
// how much work that was.
func (r *reader) countLocked(now *Usage) float64 {
	last := r.mu.last[now.Incarnation]
	if last.usage == nil {
		last.usage = &Usage{}
	}
	done := work(now, last.usage)
	r.mu.total.add(now, last.usage)
	last.usage = now
	r.mu.last[now.Incarnation] = last
	return done
}

// leave adds what a tenant has counted since the last scrape: there will be no
// other that has it.
func (r *reader) leave(u Usage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.countLocked(&u)
	now := time.Now()
	if now.Sub(r.mu.pruned) > leaveTime { // as each scrape does, but there may be none
		r.mu.pruned = now
		maps.DeleteFunc(r.mu.last, func(_ string, s seen) bool { return !s.left.IsZero() && now.Sub(s.left) > leaveTime })
	}
	r.mu.last[u.Incarnation] = seen{usage: &u, left: now}
}
