package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/problem"
)

func TestSubscribeToCompletion(t *testing.T) {
	url := serve(t, func(p peer) error {
		return errors.Join(
			p.greet(simple),
			p.say(
				`{"id":"1","type":"next","payload":{ "data" : {"a": 1.0} }}`,
				`{"id":"1","type":"next","payload":{"errors":[{"message":"`+"\u009b"+`"}],"data":null}}`,
				`{"type":"ping","payload":{"runnel":{}}}`,
			),
			p.expect(`{"type":"pong"}`),
			p.say(`{"type":"pong"}`, `{"id":"1","type":"complete"}`),
			p.expectClose(),
		)
	})
	want := invocation{out: `{"data":{"a":1.0}}` + "\n" + `{"errors":[{"message":"\u009b"}],"data":null}` + "\n"}
	if got := invoke(t, "", "subscribe", "--server", url, "{a}"); got != want {
		t.Errorf("got %+v", got)
	}
	if got := invoke(t, "{a}", "subscribe", "--json", "--server", url, "-"); got != want {
		t.Errorf("from stdin: %+v", got)
	}
}

func TestSubscribeSaysWhoAndWhat(t *testing.T) {
	for name, test := range map[string]struct {
		args          []string
		init, request string
	}{
		"token": {
			[]string{"--token", "secret"},
			`{"type":"connection_init","payload":{"authorization":"Bearer secret"}}`, simple,
		},
		"claims": {
			[]string{"--claims", `{"sub": "c-7"}`},
			`{"type":"connection_init","payload":{"claims":{"sub":"c-7"}}}`, simple,
		},
		"permissions": {
			[]string{"--permissions", "a,b:c, d"},
			`{"type":"connection_init","payload":{"permissions":["a","b:c","d"]}}`, simple,
		},
		"variables and name": {
			[]string{"--variables", ` {"n": 1.00}`, "--operation-name", "A"},
			`{"type":"connection_init"}`, `{"operationName":"A","query":"{a}","variables":{"n":1.00}}`,
		},
	} {
		url := serve(t, func(p peer) error {
			return errors.Join(
				p.expect(test.init),
				p.say(`{"type":"ping"}`), p.expect(`{"type":"pong"}`), p.say(`{"type":"connection_ack"}`),
				p.expect(`{"id":"1","type":"subscribe","payload":`+test.request+`}`),
				p.say(`{"id":"1","type":"complete"}`), p.expectClose(),
			)
		})
		got := invoke(t, "", append([]string{"subscribe", "--server", url, "{a}"}, test.args...)...)
		if got != (invocation{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestSubscribeCount(t *testing.T) {
	url := serve(t, func(p peer) error {
		next := `{"id":"1","type":"next","payload":{"data":null}}`
		return errors.Join(
			p.greet(simple), p.say(next, next, next, next),
			p.expect(`{"id":"1","type":"complete"}`), p.expectClose(),
		)
	})
	got := invoke(t, "", "subscribe", "--count", "2", "--server", url, "{a}")
	if want := (invocation{out: strings.Repeat(`{"data":null}`+"\n", 2)}); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestSubscribeFailures(t *testing.T) {
	for name, test := range map[string]struct {
		after []string
		close int
		want  string
	}{
		"refused": {
			after: []string{`{"id":"1","type":"error","payload":[` +
				`{"message":"no field\u001b b","locations":[{"line":1,"column":3},{"line":2,"column":1}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}},` +
				`{"message":"two\nlines","path":["a",0,"b"],"extensions":{"code":"LIMIT_EXCEEDED","limit":"subscriptions"}},{"message":"bare"},7]}`},
			want: "the server refused the operation\n" +
				"  line 1, column 3, line 2, column 1: no field\\u001b b (GRAPHQL_VALIDATION_FAILED)\n" +
				"  path a.0.b: two\n    lines (LIMIT_EXCEEDED, limit subscriptions)\n  bare\n  7\n",
		},
		"refused unreadably": {
			after: []string{`{"id":"1","type":"error","payload":{}}`},
			want:  "the server refused the operation with errors that cannot be read: json: cannot unmarshal object into Go value of type []json.RawMessage\n",
		},
		"closed": {close: 4403, want: "the server closed the connection: 4403 why\\u001b (the token was refused, or has expired)\n"},
		"closed normally, uncompleted": {
			close: websocket.CloseNormalClosure, want: "the server closed the connection: 1000 why\\u001b\n",
		},
		"unknown type":    {after: []string{`{"id":"1","type":"data"}`}, want: "the server sent a message \"data\" that the protocol does not have\n"},
		"next of nothing": {after: []string{`{"id":"1","type":"next"}`}, want: "the server sent a message \"next\" that the protocol does not have\n"},
		"other operation": {
			after: []string{`{"id":"2","type":"next","payload":1}`},
			want:  "the server sent \"next\" for the operation \"2\", which nobody asked for\n",
		},
		"no JSON": {
			after: []string{"\x1b["},
			want:  "the server sent a message that cannot be read: invalid character '\\x1b' looking for beginning of value\n",
		},
		"too deep": {
			after: []string{`{"id":"1","type":"next","payload":` + strings.Repeat("[", 10001)},
			want:  "the server sent a message that cannot be read: invalid character '[' exceeded max depth\n",
		},
	} {
		url := serve(t, func(p peer) error {
			err := errors.Join(p.greet(simple), p.say(test.after...))
			if test.close != 0 {
				frame := websocket.FormatCloseMessage(test.close, "why\x1b")
				return errors.Join(err, p.WriteControl(websocket.CloseMessage, frame, time.Now().Add(time.Second)))
			}
			return errors.Join(err, p.expectClose())
		})
		got := invoke(t, "", "subscribe", "--server", url, "{a}")
		if want := (invocation{exitFailed, "", "runnel subscribe: " + test.want}); got != want {
			t.Errorf("%s: %+v,\nwant %+v", name, got, want)
		}
	}
}

func TestSubscribeDeepPayload(t *testing.T) {
	payload := strings.Repeat("[", 9999) + strings.Repeat("]", 9999)
	url := serve(t, func(p peer) error {
		return errors.Join(p.greet(simple),
			p.say(`{"id":"1","type":"next","payload":`+payload+`}`, `{"id":"1","type":"complete"}`), p.expectClose())
	})
	if got := invoke(t, "", "subscribe", "--server", url, "{a}"); got != (invocation{out: payload + "\n"}) {
		t.Errorf("exit %d, %d bytes, %s", got.code, len(got.out), got.errors)
	}
}

func TestSubscribeErrorsAsJSON(t *testing.T) {
	url := serve(t, func(p peer) error {
		return errors.Join(p.greet(simple), p.say(`{"id":"1","type":"error","payload":[{"message": "m"}]}`), p.expectClose())
	})
	got := invoke(t, "", "subscribe", "--json", "--server", url, "{a}")
	want := `{"title":"the server refused the operation","errors":[{"message":"m"}]}` + "\n"
	if got != (invocation{exitFailed, "", want}) {
		t.Errorf("got %+v", got)
	}
}

func TestSubscribeBrokenConnection(t *testing.T) {
	url := serve(t, func(p peer) error {
		return errors.Join(p.greet(simple), p.Close())
	})
	got := invoke(t, "", "subscribe", "--server", url, "{a}")
	if got.code != exitFailed || !strings.Contains(got.errors, "the connection broke off") {
		t.Errorf("got %+v", got)
	}
}

// The close frame is on its way while the client still writes.
func TestSubscribeClosedAtOnce(t *testing.T) {
	url := serve(t, func(p peer) error {
		err := errors.Join(p.expect(`{"type":"connection_init"}`), p.say(`{"type":"connection_ack"}`),
			p.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4403, "Forbidden"), time.Now().Add(time.Second)))
		for err == nil {
			if _, _, failed := p.ReadMessage(); failed != nil {
				break
			}
		}
		return err
	})
	want := invocation{exitFailed, "", "runnel subscribe: the server closed the connection: 4403 Forbidden (the token was refused, or has expired)\n"}
	for range 20 {
		if got := invoke(t, "", "subscribe", "--server", url, "{a}"); got != want {
			t.Fatalf("got %+v", got)
		}
	}
}

func TestSubscribeBadHandshakes(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"problem": {
			func(w http.ResponseWriter, _ *http.Request) {
				problem.Write(w, problem.New(http.StatusForbidden, "FORBIDDEN", "origin\x1b"))
			},
			"403 Forbidden (FORBIDDEN)\n  origin\\u001b\n",
		},
		"not found": {http.NotFound, "404 Not Found\n  404 page not found\n"},
		"other protocol": {
			func(w http.ResponseWriter, r *http.Request) {
				conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
				if err == nil {
					_, _, _ = conn.ReadMessage()
					_ = conn.Close()
				}
			},
			"the server speaks the sub-protocol \"\", not graphql-transport-ws\n",
		},
		"no acknowledgement": {
			func(w http.ResponseWriter, r *http.Request) {
				conn, err := (&websocket.Upgrader{Subprotocols: []string{protocol}}).Upgrade(w, r, nil)
				if err == nil {
					_ = peer{conn}.say(`{"type":"next"}`)
					_ = conn.Close()
				}
			},
			"the server sent \"next\" before connection_ack\n",
		},
	} {
		server := httptest.NewServer(test.handler)
		got := invoke(t, "", "subscribe", "--server", server.URL, "{a}")
		if want := (invocation{exitFailed, "", "runnel subscribe: " + test.want}); got != want {
			t.Errorf("%s: %+v,\nwant %+v", name, got, want)
		}
		server.Close()
	}
}

func TestSubscribeEmptyOperation(t *testing.T) {
	got := invoke(t, " \n", "subscribe", "-")
	if got != (invocation{exitFailed, "", "runnel subscribe: the operation is empty\n"}) {
		t.Errorf("got %+v", got)
	}
}

func TestSocketURL(t *testing.T) {
	for server, want := range map[string]string{
		"http://127.0.0.1:8080":  "ws://127.0.0.1:8080/t/demo/graphql",
		"https://[::1]/base/":    "wss://[::1]/base/t/demo/graphql",
		"HTTPS://runnel.example": "wss://runnel.example/t/demo/graphql",
	} {
		base, err := parseServer(server)
		if err != nil {
			t.Fatal(err)
		}
		r := remote{tenant: "demo", base: base}
		if got := r.socket().String(); got != want {
			t.Errorf("%s: %s, want %s", server, got, want)
		}
	}
}
