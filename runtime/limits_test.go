package runtime_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// TestEveryLimit meets each limit that there is, from outside: what happens is
// what its definition says, under its name.
func TestEveryLimit(t *testing.T) {
	newTenant := newLimitedServer(t)
	known := map[string]bool{}
	for _, d := range tenant.Definitions() {
		known[d.Name] = true
		t.Run(d.Name, func(t *testing.T) {
			meet := limitCases[d.Name]
			if meet == nil {
				t.Fatal("no case meets this limit")
			}
			meet(newTenant(t, strings.ToLower(d.Name)))
		})
	}
	if d := slices.IndexFunc(tenant.Definitions(), func(d tenant.Definition) bool { return d.Name == "eventBytes" && d.Max == event.MaxPayloadBytes }); d < 0 {
		t.Error("eventBytes may be another than buses take")
	}
	for name := range limitCases {
		if !known[name] {
			t.Errorf("there is no limit %s", name)
		}
	}
}

var limitCases = map[string]func(*limited){
	"fuelPerRun": func(l *limited) {
		l.set(`{"fuelPerRun":1000}`)
		l.refused(200, abi.CodeFuelExhausted, "fuelPerRun", l.query("{ spend }"))
	},
	"fuelPerOperation": func(l *limited) {
		l.set(`{"fuelPerOperation":1000}`)
		a := l.query("{ a: spend b: spend }")
		l.refused(200, abi.CodeFuelExhausted, "fuelPerOperation", a)
		if !strings.Contains(a.body, `"data":{"a":1,"b":null}`) {
			l.Error(a.body)
		}
	},
	"fuelPerSecond": func(l *limited) {
		l.set(`{"fuelPerSecond":1000}`)
		s := l.join("{}")
		s.subscribe("1")
		l.must(200, l.query("{ spend }")) // some seconds' worth
		a := l.query("{ one }")
		l.refused(http.StatusTooManyRequests, abi.CodeLimitExceeded, "fuelPerSecond", a)
		if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || seconds < 2 || !strings.Contains(a.body, `"retryAfterMs":`) {
			l.Errorf("the headers are %v: %s", a.header, a.body)
		}
		s.say(`{"type":"subscribe","id":"2","payload":{"query":"{ one }"}}`)
		s.expect(`"id":"2","type":"error"`, `"code":"LIMIT_EXCEEDED"`, `"limit":"fuelPerSecond"`, `"retryAfterMs":`)
		l.must(http.StatusAccepted, l.publish("1"))
		if usage := l.send("GET", l.path("/usage"), "", "").body; !strings.Contains(usage, `"waiting":{"events":1,`) {
			l.Errorf("the event does not wait: %s", usage)
		}
		l.set(`{"fuelPerSecond":1000000}`)
		s.expect(`"id":"1"`, `"next"`)
		l.must(200, l.query("{ one }"))
	},
	"wallMillisPerRun": func(l *limited) {
		l.set(`{"wallMillisPerRun":10,"fuelPerRun":10000000000}`)
		l.refused(200, abi.CodeLimitExceeded, "wallMillisPerRun", l.query("{ burn }"))
	},
	"memoryBytes": func(l *limited) {
		l.set(`{"memoryBytes":65536}`)
		l.refused(200, abi.CodeMemoryLimit, "memoryBytes", l.query("{ eat }"))
	},
	"memoryTotalBytes": func(l *limited) { l.waits(`{"memoryTotalBytes":65536}`) },
	"instances":        func(l *limited) { l.waits(`{"instances":1}`) },
	"outputBytes": func(l *limited) {
		l.set(`{"outputBytes":1024}`)
		l.refused(200, abi.CodeLimitExceeded, "outputBytes", l.query("{ large }"))
	},
	"logBytesPerRun": func(l *limited) {
		l.set(`{"logBytesPerRun":36}`)
		l.must(200, l.query("{ log }"))
		if got, want := l.logged(), []string{"0123 truncated"}; !slices.Equal(got, want) {
			l.Errorf("logged are %q, want %q", got, want)
		}
	},
	"parentsPerRun": func(l *limited) {
		for runs, limit := range map[int]string{1: `{"parentsPerRun":3}`, 2: `{"parentsPerRun":2}`} {
			before := len(l.logged())
			l.set(limit)
			a := l.query("{ items { self { n } } }")
			if n := len(l.logged()) - before; n != runs || !strings.Contains(a.body, `{"self":{"n":3}}`) {
				l.Errorf("%s: %d runs for three parents, want %d: %s", limit, n, runs, a.body)
			}
		}
	},
	"publishesPerRun": func(l *limited) {
		for result, limit := range map[int32]string{abi.PublishTaken: `{"publishesPerRun":1}`, abi.PublishOverLimit: `{"publishesPerRun":0}`} {
			l.set(limit)
			if a := l.query("mutation { publish }"); !strings.Contains(a.body, fmt.Sprintf(`{"publish":%d}`, result)) {
				l.Errorf("%s: %s, want %d", limit, a.body, result)
			}
		}
	},

	"modules": func(l *limited) {
		l.set(`{"modules":1}`)
		l.refused(http.StatusConflict, abi.CodeLimitExceeded, "modules", l.upload("n", smallModule("1", "")))
	},
	"versions": func(l *limited) {
		l.set(`{"versions":3}`)
		for n := range 5 {
			l.must(http.StatusCreated, l.upload("n", smallModule(fmt.Sprint(n), "")))
		}
		if a := l.send("GET", l.path("/modules/n"), "", ""); strings.Count(a.body, `"resolvers"`) != 3 {
			l.Error(a.body)
		}
	},
	"moduleBytes": func(l *limited) {
		l.set(`{"moduleBytes":1024}`)
		l.refused(http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "moduleBytes", l.upload("n", smallModule("1", strings.Repeat(" ", 1024))))
	},
	"schemaBytes": func(l *limited) {
		l.set(`{"schemaBytes":1024}`)
		l.refused(http.StatusUnprocessableEntity, abi.CodeLimitExceeded, "schemaBytes", l.upload("n", smallModule("1", strings.Repeat(" ", 1024))))
	},
	"schemaTypes": func(l *limited) {
		l.set(`{"schemaTypes":4}`)
		l.refused(http.StatusUnprocessableEntity, abi.CodeLimitExceeded, "schemaTypes", l.upload("n", smallModule("1", "type More { a: Int }")))
	},
	"configBytes": func(l *limited) {
		l.set(`{"configBytes":4}`)
		l.must(http.StatusNoContent, l.send("PUT", l.path("/modules/m/config"), "application/json", "1234"))
		l.refused(http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "configBytes", l.send("PUT", l.path("/modules/m/config"), "application/json", "12345"))
	},
	"keys": func(l *limited) {
		l.set(`{"keys":1}`)
		l.must(http.StatusCreated, l.send("POST", l.path("/keys"), "application/json", `{"scopes":["read"]}`))
		l.refused(http.StatusConflict, abi.CodeLimitExceeded, "keys", l.send("POST", l.path("/keys"), "application/json", `{"scopes":["read"]}`))
	},

	"connections": func(l *limited) {
		l.set(`{"connections":1}`)
		l.join("{}")
		s := l.dial()
		s.init("{}")
		s.expectClose(websocket.CloseTryAgainLater, "connections")
		l.refused(http.StatusTooManyRequests, abi.CodeLimitExceeded, "connections", l.stream())
	},
	"connectionsPerSubscriber": func(l *limited) {
		l.set(`{"connectionsPerSubscriber":1}`)
		l.join(`{"claims":{"sub":"u1"}}`)
		l.join(`{"claims":{"sub":"u2"}}`)
		s := l.dial()
		s.init(`{"claims":{"sub":"u1"}}`)
		s.expectClose(websocket.CloseTryAgainLater, "connectionsPerSubscriber")
	},
	"subscriptions": func(l *limited) {
		l.set(`{"subscriptions":1}`)
		s := l.join("{}")
		s.subscribe("1")
		s.subscribe("2")
		s.expect(`"id":"2","type":"error"`, `"code":"LIMIT_EXCEEDED"`, `"limit":"subscriptions"`)
	},
	"subscriptionsPerConnection": func(l *limited) {
		l.set(`{"subscriptionsPerConnection":1}`)
		s := l.join("{}")
		s.subscribe("1")
		s.subscribe("2")
		s.expect(`"id":"2","type":"error"`, `"code":"LIMIT_EXCEEDED"`, `"limit":"subscriptionsPerConnection"`)
	},
	"operationsPerSecond": func(l *limited) {
		l.set(`{"operationsPerSecond":1}`)
		s := l.join("{}")
		s.subscribe("1")
		s.say(`{"type":"subscribe","id":"2","payload":{"query":"no operation"}}`)
		s.expect(`"id":"2","type":"error"`, `"code":"LIMIT_EXCEEDED"`, `"limit":"operationsPerSecond"`, `"retryAfterMs":`)
		a := l.query("no operation")
		l.refused(http.StatusTooManyRequests, abi.CodeLimitExceeded, "operationsPerSecond", a)
		if a.header.Get("Retry-After") != "1" {
			l.Errorf("the headers are %v", a.header)
		}
		if usage := l.send("GET", l.path("/usage"), "", "").body; !strings.Contains(usage, `"LIMIT_EXCEEDED":2`) {
			l.Errorf("the usage is %s", usage)
		}
	},
	"deliveriesPerSecond": func(l *limited) {
		l.set(`{"deliveriesPerSecond":2,"queueBytes":4096}`)
		s := l.join("{}")
		s.say(`{"type":"subscribe","id":"1","payload":{"query":"subscription { tick { k n } }"}}`)
		s.say(`{"type":"ping"}`)
		s.expect(`"pong"`)
		lines := ""
		for i, key := range []string{"a", "a", "a", "b", "a"} { // two at once
			lines += fmt.Sprintf(`{"channel":"t","payload":{"k":%q,"n":%d}}`+"\n", key, i)
		}
		l.must(http.StatusAccepted, l.send("POST", l.path("/events"), "application/x-ndjson", lines))
		for _, want := range []string{
			`{"data":{"tick":{"k":"a","n":0}}}`, `{"data":{"tick":{"k":"a","n":1}}}`,
			`{"data":{"tick":{"k":"b","n":3}},"extensions":{"runnel":{"skipped":1}}}`, `{"data":{"tick":{"k":"a","n":4}}}`,
		} {
			s.expect(`"payload":` + want)
		}
		if usage := l.send("GET", l.path("/usage"), "", "").body; !strings.Contains(usage, `"deliveries":4,`) || !strings.Contains(usage, `"skippedDeliveries":1,`) {
			l.Errorf("the usage is %s", usage)
		}
		if list := l.send("GET", l.path("/subscriptions"), "", "").body; !strings.Contains(list, `"delivered":4,"dropped":1`) {
			l.Errorf("live is %s", list)
		}
		s.subscribe("2")
		s.say(`{"type":"ping"}`)
		s.expect(`"pong"`)
		line := `{"channel":"c","payload":"` + strings.Repeat("x", 500) + `"}` + "\n"
		l.must(http.StatusAccepted, l.send("POST", l.path("/events"), "application/x-ndjson", strings.Repeat(line, 20)))
		s.expectClose(websocket.CloseTryAgainLater, "queueBytes")
	},
	"deliveredBytesPerSecond": func(l *limited) {
		l.set(`{"deliveredBytesPerSecond":1024}`)
		s := l.join("{}")
		s.subscribe("1")
		s.say(`{"type":"ping"}`)
		s.expect(`"pong"`)
		l.must(http.StatusAccepted, l.publish(`"`+strings.Repeat("x", 2048)+`"`))
		s.expect(`"next"`)
		begun := time.Now()
		l.must(http.StatusAccepted, l.publish("1"))
		s.expect(`"next"`)
		if took := time.Since(begun); took < 900*time.Millisecond {
			l.Errorf("an event came %v after one that was twice what may be delivered in a second", took)
		}
	},
	"queueBytes": func(l *limited) {
		l.set(`{"queueBytes":4096}`)
		s := l.join("{}")
		s.subscribe("1")
		s.say(`{"type":"ping"}`)
		s.expect(`"pong"`)
		line := `{"channel":"c","payload":"` + strings.Repeat("x", 20_000) + `"}` + "\n"
		for range 4 { // far more than the kernel keeps for a client that reads nothing
			l.must(http.StatusAccepted, l.send("POST", l.path("/events"), "application/x-ndjson", strings.Repeat(line, 250)))
		}
		s.expectClose(websocket.CloseTryAgainLater, "queueBytes")
	},
	"messageBytes": func(l *limited) {
		l.set(`{"messageBytes":1024}`)
		s := l.join("{}")
		s.say(`{"type":"ping","payload":{"x":"` + strings.Repeat("x", 1024) + `"}}`)
		s.expectClose(websocket.CloseMessageTooBig, "messageBytes")
		l.refused(http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "messageBytes", l.query(strings.Repeat(" ", 1024)))
	},

	"eventsPerSecond": func(l *limited) {
		l.set(`{"eventsPerSecond":1}`)
		batch := func(n int) answer {
			return l.send("POST", l.path("/events"), "application/x-ndjson", strings.Repeat(`{"channel":"c","payload":1}`+"\n", n))
		}
		l.refused(http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "eventsPerSecond", batch(11))
		l.must(http.StatusAccepted, batch(10))
		a := batch(7)
		l.refused(http.StatusTooManyRequests, abi.CodeLimitExceeded, "eventsPerSecond", a)
		if wait := a.header.Get("Retry-After"); wait != "7" && wait != "8" { // of the first ten, one or none waits no more
			l.Errorf("the headers are %v", a.header)
		}
		l.publish("1")
		m := l.query("mutation { publish }")
		l.refused(200, abi.CodeLimitExceeded, "eventsPerSecond", m)
		if !strings.Contains(m.body, `"retryAfterMs":`) {
			l.Error(m.body)
		}
	},
	"eventBytes": func(l *limited) {
		l.set(`{"eventBytes":1}`)
		l.must(http.StatusAccepted, l.publish("1"))
		l.refused(http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "eventBytes", l.publish("10"))
	},
	"idWindow": func(l *limited) {
		send := func(payload string) answer {
			return l.send("POST", l.path("/events"), "application/json", `{"channel":"c","id":"one","payload":`+payload+`}`)
		}
		l.must(http.StatusAccepted, send("1"))
		l.must(http.StatusAccepted, send("1"))
		l.must(http.StatusConflict, send("2"))
		l.set(`{"idWindow":0}`)
		l.must(http.StatusAccepted, send("2"))
	},
	"retentionBytes":  func(l *limited) { l.keepsOne(`{"retentionBytes":1500}`, strings.Repeat("x", 1000)) },
	"retentionEvents": func(l *limited) { l.keepsOne(`{"retentionEvents":1}`, "") },
	"retentionSeconds": func(l *limited) {
		l.must(http.StatusAccepted, l.publish("1"))
		l.set(`{"retentionSeconds":1}`)
		time.Sleep(1001 * time.Millisecond)
		l.keepsOne(`{}`, "")
	},
	"replayEventsPerSecond": func(l *limited) {
		l.set(`{"replayEventsPerSecond":1}`)
		s := l.join(`{}`)
		resume := func(id, cursor string) {
			s.say(`{"type":"subscribe","id":"` + id + `","payload":{"query":"subscription { echo }","extensions":{"runnel":{"cursor":` + cursor + `}}}}`)
		}
		resume("1", "null")
		_, told, err := s.ReadMessage()
		cursor := regexp.MustCompile(`"1":("[^"]+")`).FindSubmatch(told)
		if err != nil || cursor == nil {
			l.Fatalf("got %s, %v; want a cursor", told, err)
		}
		for range 3 {
			l.must(http.StatusAccepted, l.publish("1"))
			s.expect(`"next"`, `"id":"1"`)
		}
		begun := time.Now()
		resume("2", string(cursor[1]))
		for replayed := 0; replayed < 3; {
			_, text, err := s.ReadMessage()
			if err != nil {
				l.Fatal(err)
			}
			if strings.Contains(string(text), `"next"`) {
				replayed++
			}
		}
		if took := time.Since(begun); took < 1900*time.Millisecond {
			l.Errorf("three events were replayed in %v", took)
		}
	},

	"queryBytes":   refusesQuery("queryBytes", 1024, "{ one }"+strings.Repeat(" ", 1024)),
	"queryTokens":  refusesQuery("queryTokens", 100, "{"+strings.Repeat(" one", 100)+"}"),
	"queryFields":  refusesQuery("queryFields", 10, "{"+strings.Repeat(" one", 11)+"}"),
	"queryAliases": refusesQuery("queryAliases", 1, "{ a: one b: one }"),
	"queryDepth":   refusesQuery("queryDepth", 1, "{ items { n } }"),
	"variablesBytes": func(l *limited) {
		l.set(`{"variablesBytes":10}`)
		a := l.send("POST", "/t/"+l.tenant+"/graphql", "application/json", `{"query":"query ($x: [Int]) { one(list: $x) }","variables":{"x":[1,2,3]}}`)
		l.refused(http.StatusBadRequest, abi.CodeLimitExceeded, "variablesBytes", a)
	},
	"listItems": func(l *limited) {
		l.set(`{"listItems":2}`)
		a := l.query("{ items { n } }")
		l.refused(200, abi.CodeLimitExceeded, "listItems", a)
		if !strings.Contains(a.body, `"items":null`) {
			l.Error(a.body)
		}
	},
}

// keepsOne publishes until the bus has lost an event.
func (l *limited) keepsOne(limits, payload string) {
	l.set(limits)
	for until := time.Now().Add(time.Minute); ; {
		l.must(http.StatusAccepted, l.publish(`"`+payload+`"`))
		page, err := l.bus.Read(l.Context(), l.tenant, nil, l.bus.Start(), 10)
		if err != nil {
			l.Fatal(err)
		}
		if page.Gap != nil {
			return
		}
		if time.Now().After(until) {
			l.Fatalf("%s: %d events are kept", limits, len(page.Events))
		}
	}
}

func refusesQuery(limit string, value int, text string) func(*limited) {
	return func(l *limited) {
		l.set(fmt.Sprintf(`{%q:%d}`, limit, value))
		l.must(200, l.query("{ one }"))
		l.refused(http.StatusBadRequest, abi.CodeLimitExceeded, limit, l.query(text))
	}
}

// smallModule is one of its own.
func smallModule(output, schema string) []byte {
	g := sandboxtest.New("extend type Query { small: Int } " + schema)
	return g.Resolver("Query.small", g.Output(output)).Bytes()
}

// waits has a run begin while another is under way, which takes half a second:
// without the limits before that ends, and under them afterwards.
func (l *limited) waits(limits string) {
	l.set(`{"wallMillisPerRun":500,"fuelPerRun":10000000000}`)
	for _, alone := range []bool{false, true} {
		before := len(l.logged())
		burned := make(chan answer, 1)
		go func() { burned <- l.query("{ burn }") }()
		l.awaitLine(before)
		l.must(200, l.query("{ quick }"))
		l.refused(200, abi.CodeLimitExceeded, "wallMillisPerRun", <-burned)
		between := l.loggedAt("quick").Sub(l.loggedAt("burns"))
		if (between >= 490*time.Millisecond) != alone {
			l.Errorf("a run of its own %t: %v lie between the runs", alone, between)
		}
		l.set(limits)
	}
}

// loggedAt returns when the tenant's modules logged a line last.
func (l *limited) loggedAt(text string) (at time.Time) {
	l.Helper()
	var log struct {
		Lines []struct {
			Time time.Time
			Line string
		}
	}
	if err := json.Unmarshal([]byte(l.send("GET", l.path("/logs"), "", "").body), &log); err != nil {
		l.Fatal(err)
	}
	for _, line := range log.Lines {
		if line.Line == text {
			at = line.Time
		}
	}
	return at
}

// stream asks for an event stream that is refused.
func (l *limited) stream() answer {
	l.Helper()
	r, err := http.NewRequestWithContext(l.Context(), "GET", l.url+"/t/"+l.tenant+"/graphql?query=subscription+%7Becho%7D", nil)
	if err != nil {
		l.Fatal(err)
	}
	return l.do(r, "text/event-stream")
}
