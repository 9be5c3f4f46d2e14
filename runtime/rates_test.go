package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/memory"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

// TestFlood publishes far more than a tenant may have handed out: what is accepted is
// delivered, in order, what is not is accepted after the time that the answer gives, and
// another tenant gets its events meanwhile.
func TestFlood(t *testing.T) {
	for name, open := range map[string]func(*testing.T) event.Bus{
		"memory":   func(*testing.T) event.Bus { return memory.New() },
		"redis":    func(t *testing.T) event.Bus { return openBus(t, redistest.URL(t)) },
		"postgres": func(t *testing.T) event.Bus { return openBus(t, postgrestest.Database(t)) },
	} {
		t.Run(name, func(t *testing.T) { flood(t, open(t)) })
	}
}

func flood(t *testing.T, bus event.Bus) {
	server, err := runtime.New(runtime.Config{Dev: true, Bus: bus, CompileInProcess: true, MetricsTenants: 10})
	if err != nil {
		t.Fatal(err)
	}
	running := make(chan error, 1)
	go func() { running <- server.Run(context.Background()) }()
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		if err := errors.Join(server.Shutdown(context.Background()), <-running, bus.Close()); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	join := func(tenant string) (*limited, limitedSocket) {
		l := &limited{T: t, url: web.URL, tenant: tenant}
		l.must(http.StatusCreated, l.send("POST", "/v1/tenants", "application/json", `{"id":"`+tenant+`"}`))
		l.must(http.StatusCreated, l.upload("m", limitedModule()))
		s := l.join("{}")
		s.subscribe("1")
		s.say(`{"type":"ping"}`)
		s.expect(`"pong"`)
		return l, s
	}
	l, subscriber := join("flooded")
	other, otherSubscriber := join("other")
	l.set(`{"eventsPerSecond":20,"retentionEvents":0}`)

	const each = 50
	flooded := time.Now()
	accepted, refused := 0, 0
	for refused < 2 {
		var lines strings.Builder
		for n := range each {
			fmt.Fprintf(&lines, `{"channel":"c","payload":%d}`+"\n", accepted+n)
		}
		send := func() answer { return l.send("POST", l.path("/events"), "application/x-ndjson", lines.String()) }
		a := send()
		if a.status == http.StatusTooManyRequests {
			refused++
			l.refused(http.StatusTooManyRequests, "LIMIT_EXCEEDED", "eventsPerSecond", a)
			seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
			if err != nil || seconds < 1 || seconds > 4 {
				t.Fatalf("the headers are %v", a.header)
			}
			begun := time.Now()
			other.must(http.StatusAccepted, other.publish("1"))
			otherSubscriber.expect(`"next"`)
			time.Sleep(time.Until(begun.Add(time.Duration(seconds) * time.Second)))
			for a = send(); a.status == http.StatusTooManyRequests && time.Since(begun) < time.Minute; a = send() {
				time.Sleep(100 * time.Millisecond) // those that wait go late on a machine that is busy
			}
		}
		l.must(http.StatusAccepted, a)
		accepted += each
	}
	if most := 300 + int(20*time.Since(flooded).Seconds()); accepted < 200 || accepted > most { // those that wait, and 20 a second
		t.Errorf("%d events were accepted, want 200 to %d", accepted, most)
	}
	metrics := l.send("GET", "/metrics", "", "").body
	for _, name := range []string{"runnel_waiting_events", "runnel_event_lag_seconds", `runnel_tenant_event_lag_seconds{tenant="flooded"}`, `runnel_tenant_waiting_events{tenant="flooded"}`} {
		if value := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(name) + " (.+)$").FindStringSubmatch(metrics); value == nil || value[1] == "0" {
			t.Errorf("the metric %s is %v", name, value)
		}
	}
	if usage := l.send("GET", l.path("/usage"), "", "").body; !regexp.MustCompile(`"waiting":\{"events":[0-9]{2,3},"bytes":[0-9]+,"lagMs":[0-9]{4,5}\}`).MatchString(usage) ||
		!strings.Contains(usage, `"name":"eventsPerSecond","unit":"events","limit":20,"used":`) {
		t.Errorf("the usage is %s", usage)
	}
	l.set(`{"eventsPerSecond":1}`) // of which those that wait would take minutes
	l.set(`{"eventsPerSecond":1000000}`)
	begun := time.Now()
	for n := range accepted {
		subscriber.expect(`"next"`, fmt.Sprintf(`"echo":"%d"`, n))
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("under a raised limit they took %v", took)
	}
}
