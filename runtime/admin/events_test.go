package admin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

const eventsPath = "/v1/tenants/acme/events"

func TestPublishOne(t *testing.T) {
	s := newStage(t)
	const payload = "{ \"n\" : 1.0e0,\r\n \"s\":\"\\u00e9\" }"
	w := s.do("POST", eventsPath, "application/json", ` {"payload":`+payload+`,"id":"a\u0041","chann\u0065l":"orders.new:1"} `)
	s.want(w, http.StatusAccepted, `{"accepted":1,"cursor":"c-1"}`)
	if len(s.published) != 1 {
		t.Fatalf("published %v", s.published)
	}
	if e := s.published[0]; e.Channel != "orders.new:1" || e.ID != "aA" || string(e.Payload) != payload || cap(e.Payload) != len(payload) {
		t.Errorf("got %+v", e)
	}
	for _, payload := range []string{"null", "0", `""`, "[]", nested(64)} {
		w := s.do("POST", eventsPath, "application/json", `{"channel":"c","payload":`+payload+`}`)
		if w.Code != http.StatusAccepted || s.published[len(s.published)-1].ID != "" {
			t.Errorf("%.20s: %d %s", payload, w.Code, w.Body)
		}
	}
}

// nested is a payload with that many levels.
func nested(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

func TestPublishBatch(t *testing.T) {
	s := newStage(t)
	body := "\n{\"channel\":\"a\",\"payload\":1}\r\n \t\n{\"channel\":\"b\",\"payload\":{\"x\":[2]},\"id\":\"i\"}\n{\"channel\":\"a\",\"payload\":3}"
	s.want(s.do("POST", eventsPath, "application/x-ndjson", body), http.StatusAccepted, `{"accepted":3,"cursor":"c-1"}`)
	var got []string
	for _, e := range s.published {
		got = append(got, fmt.Sprintf("%s %s %s", e.Channel, e.Payload, e.ID))
	}
	if want := `["a 1 " "b {\"x\":[2]} i" "a 3 "]`; fmt.Sprintf("%q", got) != want {
		t.Errorf("got %q\nwant %s", got, want)
	}
}

func TestBadEvents(t *testing.T) {
	s := newStage(t)
	for body, want := range map[string]struct {
		part   string
		offset int
	}{
		``:                        {"", 0},
		`{"channel":"c","pay`:     {"", 19},
		`{"channel":"c",}`:        {"", 15},
		`7`:                       {"a JSON object with channel, payload, id is wanted, not number", 0},
		`{"payload":1}`:           {"channel is missing", 0},
		`{"channel":"c"}`:         {"payload is missing", 0},
		`{"channel":1}`:           {"channel must be a string, not number", 11},
		`{"channel":"a b"}`:       {"channel must be 1 to 200 of the characters", 11},
		`{"channel":""}`:          {"channel must be 1 to 200 of the characters", 11},
		`{"channel":"c","id":7}`:  {"id must be a string, not number", 20},
		`{"channel":"c","id":""}`: {"id must have 1 to 200 bytes", 20},
		`{"channel":"c","id":"` + strings.Repeat("x", 201) + `"}`: {"id must have 1 to 200 bytes", 20},
		`{"channel":"c","id":"a\u0000b"}`:                         {"no control characters are allowed", 20},
		`{"channel":"c","id":"\u0085"}`:                           {"no control characters are allowed", 20},
		`{"channel":"c","data":1}`:                                {`unknown member "data"; there are channel, payload, id`, 15},
		`{"channel":"c","channel":"d"}`:                           {`duplicate key "channel"`, 15},
		`{"channel":"c","payload":{"a":1,"a":2}}`:                 {`duplicate key "a"`, 32},
		"{\"channel\":\"c\",\"payload\":\"\xff\"}":                {"", 26},
		`{"channel":"c","payload":"\ud800"}`:                      {"", 26},
		`{"channel":"c","payload":` + nested(65) + `}`:            {"the payload has more than 64 levels of nesting", 89},
		`{"channel":"c","payload":1} {}`:                          {"", 28},
	} {
		w := s.do("POST", eventsPath, "application/json", body)
		p := s.wantProblem(w, http.StatusBadRequest, abi.CodeBadUserInput, want.part)
		if e := p.Errors[0]; e.Offset == nil || *e.Offset != want.offset || e.Line != 1 || e.Column != want.offset+1 {
			t.Errorf("%s: place of %s, want offset %d", body, w.Body, want.offset)
		}
		if strings.Contains(body, "\n") {
			continue
		}
		// The same line in a batch is named by its number, and nothing is accepted.
		const before = "{\"channel\":\"é\",\"payload\":1}\n"
		good := strings.Replace(before, "é", "c", 1)
		if body == "" {
			continue
		}
		w = s.do("POST", eventsPath, "application/x-ndjson", good+"\n"+body+"\n"+good)
		p = s.wantProblem(w, http.StatusBadRequest, abi.CodeBadUserInput, want.part)
		if e := p.Errors[0]; e.Offset == nil || *e.Offset != len(good)+1+want.offset || e.Line != 3 || e.Column != want.offset+1 {
			t.Errorf("%s in a batch: place of %s", body, w.Body)
		}
	}
	for _, empty := range []string{"", "\n \r\n\t"} {
		s.wantProblem(s.do("POST", eventsPath, "application/x-ndjson", empty), http.StatusBadRequest, abi.CodeBadUserInput, "the batch has no event")
	}
	s.wantProblem(s.do("POST", eventsPath, "text/plain", "{}"), http.StatusUnsupportedMediaType, abi.CodeBadUserInput, "application/x-ndjson")
	if s.published != nil {
		t.Errorf("published %v", s.published)
	}
}

func TestEventLimits(t *testing.T) {
	s := newStage(t)
	s.limit(`{"eventBytes":10}`)
	fits := `{"channel":"c","payload":"12345678"}`
	over := `{"channel":"c","payload":"123456789"}`
	if w := s.do("POST", eventsPath, "application/json", fits); w.Code != http.StatusAccepted {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	accepted := len(s.published)
	for name, request := range map[string][2]string{
		"one":         {"application/json", over},
		"in a batch":  {"application/x-ndjson", fits + "\n" + over},
		"a long line": {"application/x-ndjson", fits + "\n" + strings.Repeat("x", 5000)},
		"far over":    {"application/json", strings.Repeat("x", 5000)},
		"padding":     {"application/json", strings.Repeat(" ", 5000) + fits},
	} {
		p := s.wantProblem(s.do("POST", eventsPath, request[0], request[1]), http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "more than 10 bytes")
		if p.Limit != "eventBytes" {
			t.Errorf("%s: limit %q", name, p.Limit)
		}
	}
	line := `{"channel":"c","payload":1}` + "\n"
	s.wantProblem(s.do("POST", eventsPath, "application/x-ndjson", strings.Repeat(line, 10_001)), http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "10000 events")
	s.wantProblem(s.do("POST", eventsPath, "application/x-ndjson", strings.Repeat(line, 16<<20/len(line)+1)), http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "send it in parts")
	if len(s.published) != accepted {
		t.Error("a refused event was accepted")
	}
	if w := s.do("POST", eventsPath, "application/x-ndjson", strings.Repeat(line, 10_000)); w.Code != http.StatusAccepted {
		t.Errorf("a batch at the limit: %d", w.Code)
	}
}

// A body of unknown length is cut off at the limit, not read to its end.
func TestBodyWithoutLength(t *testing.T) {
	s := newStage(t)
	s.limit(`{"eventBytes":10}`)
	body := &endless{}
	r := httptest.NewRequest("POST", eventsPath, body)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	s.wantProblem(w, http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "more than 10 bytes")
	if body.read > 64<<10 {
		t.Errorf("%d bytes were read", body.read)
	}
}

type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	e.read += len(b)
	return len(b), nil
}

func TestPublisherErrors(t *testing.T) {
	s := newStage(t)
	const body = `{"channel":"c","payload":1}`
	s.fail = fmt.Errorf("tenant acme: %w", event.ErrFull)
	w := s.do("POST", eventsPath, "application/json", body)
	s.wantProblem(w, http.StatusTooManyRequests, abi.CodeLimitExceeded, "try again later")
	if w.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
	for _, c := range []struct {
		fail              error
		status            int
		part, limit, wait string
	}{
		{&tenant.RateError{Limit: "eventsPerSecond", PerSecond: 7, RetryAfter: 1001 * time.Millisecond}, http.StatusTooManyRequests, "more than 7 in a second", "eventsPerSecond", "2"},
		{&tenant.RateError{Limit: "fuelPerSecond", PerSecond: 7, RetryAfter: time.Microsecond}, http.StatusTooManyRequests, "more than 7 in a second", "fuelPerSecond", "1"},
		{&event.FullError{RetryAfter: time.Microsecond}, http.StatusTooManyRequests, "try again later", "", "1"},
		{
			&event.BatchError{Got: 73, Most: 70, Limit: "eventsPerSecond"}, http.StatusRequestEntityTooLarge,
			"the batch has 73 events, of which at most 70 may wait under the tenant's limit eventsPerSecond: 3 too many; send it in parts", "eventsPerSecond", "",
		},
		{
			&event.BatchError{Bytes: true, Got: 1001, Most: 1000}, http.StatusRequestEntityTooLarge,
			"the batch has 1001 bytes (256 for each event beside its texts), of which at most 1000 may wait: 1 too many; send it in parts", "", "",
		},
	} {
		s.fail = fmt.Errorf("publish: %w", c.fail)
		w = s.do("POST", eventsPath, "application/json", body)
		p := s.wantProblem(w, c.status, abi.CodeLimitExceeded, c.part)
		if got := w.Header().Get("Retry-After"); got != c.wait || p.Limit != c.limit {
			t.Errorf("Retry-After %q, %s", got, w.Body)
		}
	}
	for _, c := range []struct {
		fail error
		part string
	}{
		{fmt.Errorf("publish: %w", event.ErrUnavailable), "send it again with ids"},
		{event.ErrClosed, "shutting down"},
		{fmt.Errorf("publish: %w", tenant.ErrDeleting), "is being deleted; nothing was accepted"},
		{fmt.Errorf("publish: %w", context.DeadlineExceeded), "send them again with ids"},
	} {
		s.fail = c.fail
		w = s.do("POST", eventsPath, "application/json", body)
		s.wantProblem(w, http.StatusServiceUnavailable, abi.CodeInternal, c.part)
		if got := w.Header().Get("Retry-After"); got != "2" {
			t.Errorf("%v: Retry-After %q", c.fail, got)
		}
	}
}

// A conflict names the line of the event.
func TestPublishConflict(t *testing.T) {
	s := newStage(t)
	s.fail = fmt.Errorf("publish: %w", &event.ConflictError{Index: 1, Channel: "c", ID: "i"})
	const one, cloud = `{"channel":"c","payload":1}`, `{"specversion":"1.0","id":"1","source":"s","type":"a"}`
	for _, c := range []struct {
		media, body  string
		line, offset int
	}{
		{"application/x-ndjson", one + "\n\n" + one + "\n" + one, 3, len(one) + 2},
		{"application/cloudevents-batch+json", "[" + cloud + ",\n" + cloud + "]", 2, len(cloud) + 3},
	} {
		p := s.wantProblem(s.do("POST", eventsPath, c.media, c.body), http.StatusConflict, abi.CodeBadUserInput,
			`event 2 of the request: the id "i" was published on channel c with another payload; nothing was accepted`)
		if e := p.Errors[0]; e.Line != c.line || e.Offset == nil || *e.Offset != c.offset {
			t.Errorf("%s: place of %+v", c.media, e)
		}
	}
	s.fail = fmt.Errorf("publish: %w", &event.ConflictError{Index: 0, Channel: "c", ID: "i"})
	w := s.do("POST", eventsPath, "application/json", "1", "ce-specversion", "1.0", "ce-id", "1", "ce-source", "s", "ce-type", "c")
	if p := s.wantProblem(w, http.StatusConflict, abi.CodeBadUserInput, "event 1 of the request"); p.Errors[0].Offset != nil || w.Header().Get("Retry-After") != "" {
		t.Errorf("%s", w.Body)
	}
}
