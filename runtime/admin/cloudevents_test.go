package admin_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

const (
	cloudEvent  = "application/cloudevents+json"
	cloudEvents = "application/cloudevents-batch+json"
)

// shown are events as `channel|id|payload`.
func shown(events []event.Event) string {
	var list []string
	for _, e := range events {
		list = append(list, fmt.Sprintf("%s|%s|%s", e.Channel, e.ID, e.Payload))
	}
	return strings.Join(list, "\n")
}

func TestCloudEvent(t *testing.T) {
	for body, want := range map[string]string{
		`{"specversion":"1.0","id":"1","source":"/orders","type":"order.paid","data":{"n" : 1.0e0}}`:                                                                                        `order.paid|/orders 1|{"n" : 1.0e0}`,
		`{"specversion":"1.0","id":"a b","source":"urn:x","type":"c"}`:                                                                                                                      `c|urn:x a b|null`,
		`{"specversion":"1.0","id":"1","source":"s","type":"c","data":null,"data_base64":null}`:                                                                                             `c|s 1|null`,
		`{"specversion":"1.0","id":"1","source":"s","type":"c","data":null,"subject":null}`:                                                                                                 `c|s 1|null`,
		`{"specversion":"1.0","id":"1","source":"s","type":"c","data_base64":"eyJhIjogMX0="}`:                                                                                               `c|s 1|{"a": 1}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"c","datacontenttype":"text/xml","data":"<"}`:                                                                                    `c|s 1|"<"`,
		` {"specversion":"1.0","id":"\u00e9","source":"s","type":"c","time":"2018-04-05T17:31:00Z","subject":"x","dataschema":"#","traceparent":"00-1","n":7,"b":true,"z":null,"data":[]} `: `c|s é|[]`,
	} {
		s := newStage(t)
		s.want(s.do("POST", eventsPath, cloudEvent, body), http.StatusAccepted, `{"accepted":1,"cursor":"c-1"}`)
		if got := shown(s.published); got != want {
			t.Errorf("%s gives %s, want %s", body, got, want)
		}
	}
}

func TestBadCloudEvents(t *testing.T) {
	s := newStage(t)
	for body, want := range map[string]struct {
		part   string
		offset int
	}{
		``:                                   {"", 0},
		`7`:                                  {"a JSON object with specversion, id, source, type, data", 0},
		`{"id":"1","source":"s","type":"c"}`: {`specversion must be "1.0", not ""`, 0},
		`{"specversion":"0.3","id":"1","source":"s","type":"c"}`:                                                    {`specversion must be "1.0", not "0.3"`, 15},
		`{"specversion":1.0,"id":"1","source":"s","type":"c"}`:                                                      {"specversion must be a string, not number", 15},
		`{"specversion":"1.0","source":"s","type":"c"}`:                                                             {"id is missing or empty", 0},
		`{"specversion":"1.0","id":"","source":"s","type":"c"}`:                                                     {"id is missing or empty", 26},
		`{"specversion":"1.0","id":7,"source":"s","type":"c"}`:                                                      {"id must be a string, not number", 26},
		`{"specversion":"1.0","id":"a\u0000b","source":"s","type":"c"}`:                                             {"id must have no control characters", 26},
		`{"specversion":"1.0","id":"1","source":"s\u0085","type":"c"}`:                                              {"source must be a URI reference", 39},
		`{"specversion":"1.0","id":"1","type":"c"}`:                                                                 {"source is missing or empty", 0},
		`{"specversion":"1.0","id":"1","source":null,"type":"c"}`:                                                   {"source is missing or empty", 0},
		`{"specversion":"1.0","id":"1","source":"a b","type":"c"}`:                                                  {"source must be a URI reference, which has no spaces", 39},
		`{"specversion":"1.0","id":"1","source":"s"}`:                                                               {"type is the channel", 0},
		`{"specversion":"1.0","id":"1","source":"s","type":"a/b"}`:                                                  {"type is the channel", 50},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","Data":1}`:                                           {`cannot be named "Data"`, 54},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","":1}`:                                               {`cannot be named ""`, 54},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","x":{}}`:                                             {"x must be a string, a number, true or false, not object", 58},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","time":1}`:                                           {"time must be a string, not number", 61},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","data":1,"data_base64":""}`:                          {"data_base64 cannot go with data", 77},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","data_base64":"?"}`:                                  {"data_base64 is no base64", 68},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","data_base64":"eyJhIjoxLCJhIjoyfQ=="}`:               {"data_base64 must hold JSON", 68},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","data_base64":""}`:                                   {"data_base64 must hold JSON", 68},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","data":{"a":1,"a":2}}`:                               {`duplicate key "a"`, 68},
		`{"specversion":"1.0","id":"1","id":"2","source":"s","type":"c"}`:                                           {`duplicate key "id"`, 30},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","data":` + nested(65) + `}`:                          {"the payload has more than 64 levels of nesting", 125},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","data_base64":"` + base64Of(nested(65)) + `"}`:       {"data_base64 must hold JSON: ", 68},
		`{"specversion":"1.0","id":"1","source":"s","type":"c"} {}`:                                                 {"", 55},
		`{"specversion":"1.0","id":"1","source":"s","type":"c","data":"` + "\xff" + `"}`:                            {"", 62},
		`{"specversion":"1.0","id":"1","source":"s","type":"` + strings.Repeat("c", 201) + `","data":"a slip too"}`: {"type is the channel", 50},
	} {
		p := s.wantProblem(s.do("POST", eventsPath, cloudEvent, body), http.StatusBadRequest, abi.CodeBadUserInput, want.part)
		if e := p.Errors[0]; e.Offset == nil || *e.Offset != want.offset {
			t.Errorf("%s: place of %+v, want offset %d", body, e, want.offset)
		}
		if body == "" || strings.HasSuffix(body, "{}") {
			continue
		}
		const before = "[\n" + `{"specversion":"1.0","id":"0","source":"s","type":"c"},` + "\n"
		p = s.wantProblem(s.do("POST", eventsPath, cloudEvents, before+body+"]"), http.StatusBadRequest, abi.CodeBadUserInput, want.part)
		if e := p.Errors[0]; e.Offset == nil || *e.Offset != len(before)+want.offset || e.Line != 3 {
			t.Errorf("%s in a batch: place of %+v", body, e)
		}
	}
	if s.published != nil {
		t.Errorf("published %v", s.published)
	}
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestCloudEventBatch(t *testing.T) {
	s := newStage(t)
	body := ` [ {"specversion":"1.0","id":"1","source":"s","type":"a","data":"],[\"\\"} ,` + "\n" + `{"specversion":"1.0","id":"2","source":"s","type":"b","data":[{"x":[]}]}] `
	s.want(s.do("POST", eventsPath, cloudEvents, body), http.StatusAccepted, `{"accepted":2,"cursor":"c-1"}`)
	if got, want := shown(s.published), "a|s 1|\"],[\\\"\\\\\"\nb|s 2|[{\"x\":[]}]"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	s.published = nil
	const one = `{"specversion":"1.0","id":"1","source":"s","type":"a"}`
	for body, part := range map[string]string{
		``: "a JSON array of CloudEvents is wanted", one: "a JSON array of CloudEvents is wanted", `[`: "the array does not end", `[]`: "the batch has no event",
		`[` + one: "the array does not end", `[` + one + `}`: "a brace that was not opened", `[` + one + `,]`: "", `[,` + one + `]`: "", `[` + one + one + `]`: "",
		`[` + one + `] x`: "there is more behind the array", `["` + one: "the array does not end", `[` + one + `,"\`: "the array does not end",
	} {
		s.wantProblem(s.do("POST", eventsPath, cloudEvents, body), http.StatusBadRequest, abi.CodeBadUserInput, part)
	}
	many := "[" + strings.Repeat(one+",", 10_000) + one + "]"
	s.wantProblem(s.do("POST", eventsPath, cloudEvents, many), http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "10000 events")
	s.wantProblem(s.do("POST", eventsPath, cloudEvents, strings.Repeat(" ", 16<<20+1)), http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "send it in parts")
	if s.published != nil {
		t.Errorf("published %v", s.published)
	}
}

func TestCloudEventLimits(t *testing.T) {
	s := newStage(t)
	s.limit(`{"eventBytes":10}`)
	const head = `{"specversion":"1.0","id":"1","source":"s","type":"a",`
	for data, ok := range map[string]bool{
		`"data":"12345678"`: true, `"data":"123456789"`: false,
		`"data_base64":"` + base64Of(`"12345678"`) + `"`: true, `"data_base64":"` + base64Of(`"123456789"`) + `"`: false,
		`"x":"` + strings.Repeat("x", 5000) + `"`: false,
	} {
		for _, media := range []string{cloudEvent, cloudEvents} {
			body := head + data + "}"
			if media == cloudEvents {
				body = "[" + body + "]"
			}
			w := s.do("POST", eventsPath, media, body)
			if ok && w.Code == http.StatusAccepted {
				continue
			}
			if p := s.wantProblem(w, http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "more than 10 bytes"); ok || p.Limit != "eventBytes" {
				t.Errorf("%s: %s", data, w.Body)
			}
		}
	}
}

func TestBinaryCloudEvent(t *testing.T) {
	s := newStage(t)
	attributes := []string{"ce-specversion", "1.0", "ce-id", "a%20%C3%A9", "ce-source", "/orders", "ce-type", "c", "ce-traceparent", "00", "ce-Subject", "%"}
	s.want(s.do("POST", eventsPath, "application/json; charset=utf-8", ` {"n":1} `, attributes...), http.StatusAccepted, `{"accepted":1,"cursor":"c-1"}`)
	s.want(s.do("POST", eventsPath, "", "", attributes...), http.StatusAccepted, `{"accepted":1,"cursor":"c-1"}`)
	if got, want := shown(s.published), "c|/orders a é| {\"n\":1} \nc|/orders a é|null"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	s.published = nil
	with := func(name, value string) []string {
		return append(attributes[:len(attributes):len(attributes)], name, value)
	}
	for _, c := range []struct {
		name, value, part string
	}{
		{"ce-specversion", "2.0", `ce-specversion must be "1.0"`},
		{"ce-id", "", "ce-id is missing or empty"},
		{"ce-id", "a%00b", "ce-id must have no control characters"},
		{"ce-id", "%zz", "ce-id is not percent-encoded UTF-8"},
		{"ce-id", "%ff", "ce-id is not percent-encoded UTF-8"},
		{"ce-source", "", "ce-source is missing or empty"},
		{"ce-source", "a%20b", "ce-source must be a URI reference"},
		{"ce-type", "a/b", "ce-type is the channel"},
	} {
		s.wantProblem(s.do("POST", eventsPath, "application/json", "1", with(c.name, c.value)...), http.StatusBadRequest, abi.CodeBadUserInput, c.part)
	}
	for _, body := range []string{"", "{", `{"a":1,"a":1}`, nested(65)} {
		p := s.wantProblem(s.do("POST", eventsPath, "application/json", body, attributes...), http.StatusBadRequest, abi.CodeBadUserInput, "")
		if p.Errors[0].Offset == nil {
			t.Errorf("%s: no place", body)
		}
	}
	s.wantProblem(s.do("POST", eventsPath, "text/plain", "1", attributes...), http.StatusUnsupportedMediaType, abi.CodeBadUserInput, "send application/json")
	s.wantProblem(s.do("POST", eventsPath, "application/json", "1", with("Content-Encoding", "gzip")...), http.StatusUnsupportedMediaType, abi.CodeBadUserInput, "Content-Encoding")
	s.limit(`{"eventBytes":10}`)
	s.wantProblem(s.do("POST", eventsPath, "application/json", `"123456789"`, attributes...), http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "more than 10 bytes")
	if s.published != nil {
		t.Errorf("published %v", s.published)
	}
	// A structured one may repeat its attributes in headers.
	s.do("POST", eventsPath, cloudEvent, `{"specversion":"1.0","id":"1","source":"s","type":"c"}`, attributes...)
	if got := shown(s.published); got != "c|s 1|null" {
		t.Error(got)
	}
}

// TestCloudEventIDs holds that what differs in source or id has another id.
func TestCloudEventIDs(t *testing.T) {
	seen := map[string]string{}
	long := strings.Repeat("x", 197)
	for _, source := range []string{"a", "a/", "ab", "sha256:", long, long + "x", long + "xx"} {
		for _, id := range []string{"1", " 1", "b 1", "/ 1", "x", "xx", "xxx", long, long + "x"} {
			got := admin.CloudEventID(source, id)
			if len(got) > event.MaxIDBytes {
				t.Errorf("%d bytes", len(got))
			}
			if other, ok := seen[got]; ok {
				t.Errorf("%q and %q of %q give the same", other, id, source)
			}
			seen[got] = source + "|" + id
		}
	}
	if got := admin.CloudEventID("/orders", "7"); got != "/orders 7" {
		t.Errorf("got %q", got)
	}
	if got := admin.CloudEventID("s", strings.Repeat("x", 198)); len(got) != 200 {
		t.Errorf("what fits is replaced: %q", got)
	}
	if got := admin.CloudEventID("s", strings.Repeat("x", 199)); got != "sha256:"+got[7:] || len(got) != 71 {
		t.Errorf("what does not fit: %q", got)
	}
}

// FuzzCloudEvents holds the batches that are accepted against what encoding/json
// makes of them.
func FuzzCloudEvents(f *testing.F) {
	const one = `{"specversion":"1.0","id":"1","source":"s","type":"a","data":{"x":["\"]",{}]}}`
	for _, body := range []string{"[" + one + "]", " [\n" + one + " , " + one + "\t]\r\n", "[]", "[" + one + ",]", "[" + one + "}", "[[" + one + "]]", `["\\"]`, "[" + one + "]]"} {
		f.Add([]byte(body))
	}
	tenants := tenanttest.Directory()
	tenanttest.Create(f, tenants, "acme")
	f.Fuzz(func(t *testing.T, body []byte) {
		var got collector
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", eventsPath, strings.NewReader(string(body)))
		r.Header.Set("Content-Type", cloudEvents)
		admin.New(admin.Config{Tenants: tenants, Publisher: &got, Dev: true}).ServeHTTP(w, r)
		if w.Code != http.StatusAccepted {
			checkPlace(t, w.Body.Bytes(), body)
			return
		}
		var want []struct {
			ID, Source, Type string
			Data             json.RawMessage
			Base64           *string `json:"data_base64"`
		}
		if err := json.Unmarshal(body, &want); err != nil || len(want) != len(got.events) {
			t.Fatalf("%d events accepted of %q: %v", len(got.events), body, err)
		}
		for i, e := range want {
			if e.Type != got.events[i].Channel || e.Base64 == nil && e.Data != nil && string(e.Data) != string(got.events[i].Payload) {
				t.Fatalf("event %d of %q is %s", i, body, shown(got.events[i:i+1]))
			}
			if err := event.Check(e.Type, got.events[i].ID, got.events[i].Payload); err != nil {
				t.Fatalf("event %d of %q was accepted, but the bus takes it for none: %v", i, body, err)
			}
		}
	})
}
