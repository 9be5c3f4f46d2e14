package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// collector keeps the events of the last request.
type collector struct{ events []event.Event }

func (c *collector) Publish(_ context.Context, _ *tenant.Tenant, events []event.Event) (string, error) {
	c.events = events
	return "", nil
}

// FuzzEvents holds the events that are accepted against what encoding/json
// makes of the same body.
func FuzzEvents(f *testing.F) {
	for _, body := range []string{
		`{"channel":"c","payload":{"a":[1,2.5e3,null]},"id":"i"}`,
		"{\"channel\":\"c\",\"payload\":1}\n\r\n{\"id\":\"\\u0041\\n\",\"payload\":\" \",\"channel\":\"a.b:c\"}",
		`{"channel":"c","payload":1,"payload":2}`,
		`{"channel":null,"payload":null,"id":null}`,
		`{"Channel":"c","payload":{"a":1,"\u0061":2}}`,
		`{"channel":"c","payload":"\ud83d\ude00 \ud800"}`,
		`{"channel":"c","payload":` + nested(65) + `}`,
		`{"channel":"c"}{"payload":1}`,
		"\xef\xbb\xbf{}",
		"",
	} {
		f.Add([]byte(body), false)
		f.Add([]byte(body), true)
	}
	tenants := tenanttest.Directory()
	if _, err := tenants.Create(context.Background(), "acme", tenant.DefaultSettings()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, lines bool) {
		contentType := "application/json"
		if lines {
			contentType = "application/x-ndjson"
		}
		var got collector
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", eventsPath, bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		admin.New(admin.Config{Store: memory.New(), Tenants: tenants, Publisher: &got, Dev: true}).ServeHTTP(w, r)

		lower := bytes.ToLower(body)
		if bytes.Contains(lower, []byte(`\ud`)) && (bytes.Contains(body, []byte("\uFFFD")) || bytes.Contains(lower, []byte(`\ufffd`))) {
			return // encoding/json shows a lone surrogate as U+FFFD: it can't be told from one that was sent
		}
		want, err := reference(body, lines)
		if w.Code != http.StatusAccepted {
			if err == nil && len(body) < 1<<16 {
				t.Fatalf("refused with %s", w.Body)
			}
			checkPlace(t, w.Body.Bytes(), body)
			return
		}
		if err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		same := func(a, b event.Event) bool {
			return a.Channel == b.Channel && a.ID == b.ID && bytes.Equal(a.Payload, b.Payload)
		}
		if !slices.EqualFunc(got.events, want, same) {
			t.Fatalf("got %q\nwant %q", got.events, want)
		}
		for _, e := range got.events {
			if err := event.Check(e.Channel, e.ID, e.Payload); err != nil {
				t.Fatalf("accepted, but the bus takes it for none: %v", err)
			}
		}
	})
}

// checkPlace checks that the places of a refusal lie in the body.
func checkPlace(t *testing.T, answer, body []byte) {
	t.Helper()
	var p refusal
	if err := json.Unmarshal(answer, &p); err != nil {
		t.Fatal(err)
	}
	for _, e := range p.Errors {
		if e.Offset == nil {
			continue
		}
		if *e.Offset < 0 || *e.Offset > len(body) || bytes.Count(body[:*e.Offset], []byte("\n")) != e.Line-1 {
			t.Fatalf("offset %d, line %d of a body of %d bytes", *e.Offset, e.Line, len(body))
		}
	}
}

// reference reads events with encoding/json and adds by hand what that lets
// pass.
func reference(body []byte, lines bool) (events []event.Event, err error) {
	texts := [][]byte{body}
	if lines {
		texts = bytes.Split(body, []byte("\n"))
	}
	for _, text := range texts {
		if lines && strings.Trim(string(text), " \t\r") == "" {
			continue
		}
		e, err := referenceEvent(text)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	if events == nil {
		return nil, errors.New("no event")
	}
	return events, nil
}

func referenceEvent(text []byte) (e event.Event, err error) {
	if err := referenceStrict(text); err != nil {
		return e, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return e, errors.New("no object")
	}
	for name, raw := range members {
		var s *string
		switch name {
		case "payload":
			e.Payload = raw
			continue
		case "channel", "id":
			if err := json.Unmarshal(raw, &s); err != nil || s == nil {
				return e, errors.New("no string")
			}
		default:
			return e, errors.New("unknown member")
		}
		if name == "channel" {
			e.Channel = *s
		} else if e.ID = *s; len(e.ID) == 0 || len(e.ID) > event.MaxIDBytes || strings.ContainsFunc(e.ID, unicode.IsControl) {
			return e, errors.New("bad id")
		}
	}
	if !abi.ValidChannel(e.Channel) || e.Payload == nil {
		return e, errors.New("bad channel or no payload")
	}
	return e, nil
}

// referenceStrict refuses what encoding/json takes: bytes that are no UTF-8,
// lone surrogates, duplicate keys, deep nesting.
func referenceStrict(text []byte) error {
	if !json.Valid(text) || !utf8.Valid(text) {
		return errors.New("invalid")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	type level struct {
		keys map[string]bool // nil for an array
		key  bool            // a key comes next
	}
	var open []level
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if s, ok := token.(string); ok && strings.ContainsRune(s, utf8.RuneError) && bytes.Contains(bytes.ToLower(text), []byte(`\ud`)) {
			return errors.New("lone surrogate")
		}
		switch token {
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
			continue
		}
		if len(open) > 0 && open[len(open)-1].keys != nil {
			top := &open[len(open)-1]
			if top.key {
				name := token.(string)
				if top.keys[name] {
					return errors.New("duplicate key")
				}
				top.keys[name], top.key = true, false
				continue
			}
			top.key = true
		}
		switch token {
		case json.Delim('{'):
			open = append(open, level{map[string]bool{}, true})
		case json.Delim('['):
			open = append(open, level{})
		}
		if len(open) > 65 {
			return errors.New("too deep")
		}
	}
}
