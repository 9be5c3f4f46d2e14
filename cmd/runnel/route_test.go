package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRoutes runs each command of one request: what it asks for, and how it
// shows the answer.
func TestRoutes(t *testing.T) {
	const version = `{"name":"orders","digest":"sha256:ab","bytes":4,"resolvers":["Query.a"],"active":true}`
	config := writeFile(t, "config.json", `{"a":1}`)
	for name, test := range map[string]struct {
		args          string
		answer        string // empty is 204
		request, body string
		out           string
	}{
		"tenants show": {
			"tenants show acme", `{"id":"acme","created":"2026-01-02T03:04:05.000Z","introspection":true,"debug":false,"limits":{"modules":20,"keys":5}}`,
			"GET /v1/tenants/acme  ", "",
			"id                          acme\ncreated                     2026-01-02T03:04:05.000Z\nintrospection               on\ndebug                       off\nkeys                        5\nmodules                     20\n",
		},
		"tenants create": {
			"tenants create acme --set modules=5 --set keys=default --introspection=false", `{"id":"acme","limits":{}}`,
			"POST /v1/tenants application/json ", `{"id":"acme","limits":{"keys":null,"modules":5},"introspection":false}`,
			"id                          acme\ncreated\nintrospection               off\ndebug                       off\n",
		},
		"tenants set": {
			"tenants set acme --debug true", `{"id":"acme","debug":true,"limits":{}}`,
			"PATCH /v1/tenants/acme application/json ", `{"debug":true}`,
			"id                          acme\ncreated\nintrospection               off\ndebug                       on\n",
		},
		"tenants delete": {"tenants delete acme --yes", "", "DELETE /v1/tenants/acme  ", "", ""},
		"keys create": {
			"keys create --scopes modules,read --name ci", `{"id":"abc","scopes":["modules","read"],"key":"rnl_abc_X\u001b"}`,
			"POST /v1/tenants/demo/keys application/json ", `{"name":"ci","scopes":["modules","read"]}`,
			"id         abc\nscopes     modules, read\nkey        rnl_abc_X\\u001b\n",
		},
		"keys delete":    {"keys delete abc", "", "DELETE /v1/tenants/demo/keys/abc  ", "", ""},
		"a slash":        {"keys delete a/../b", "", "DELETE /v1/tenants/demo/keys/a%2F..%2Fb  ", "", ""},
		"modules delete": {"modules delete orders", "", "DELETE /v1/tenants/demo/modules/orders  ", "", ""},
		"modules show": {
			"modules show orders", `{"name":"orders","active":"d2","previous":"d1","versions":[{"digest":"d2","bytes":7,"created":"t2","active":true},{"digest":"d1","bytes":6,"created":"t1"}]}`,
			"GET /v1/tenants/demo/modules/orders  ", "",
			"name       orders\nversion    d2\n           7 bytes, t2, active\nversion    d1\n           6 bytes, t1, rollback goes here\n",
		},
		"config":          {"config orders", `{"a": "\u009b"}`, "GET /v1/tenants/demo/modules/orders/config  ", "", `{"a":"\u009b"}` + "\n"},
		"config set":      {"config set orders " + config, "", "PUT /v1/tenants/demo/modules/orders/config application/json ", `{"a":1}`, ""},
		"versions delete": {"versions delete orders sha256:0", "", "DELETE /v1/tenants/demo/modules/orders/versions/sha256:0  ", "", ""},
		"config delete":   {"config delete orders", "", "DELETE /v1/tenants/demo/modules/orders/config  ", "", ""},
		"activate": {
			"activate orders sha256:ab", version, "POST /v1/tenants/demo/modules/orders/activate application/json ", `{"digest":"sha256:ab"}`,
			"name       orders\ndigest     sha256:ab\nbytes      4\nresolvers  Query.a\nactive     true\n",
		},
		"rollback":          {"rollback orders --json", version, "POST /v1/tenants/demo/modules/orders/rollback  ", "", version + "\n"},
		"release":           {"release orders", "", "DELETE /v1/tenants/demo/modules/orders/quarantine  ", "", ""},
		"subscriptions end": {"subscriptions end s1", "", "DELETE /v1/tenants/demo/subscriptions/s1  ", "", ""},
		"auth":              {"auth", `{"mode":"required"}`, "GET /v1/tenants/demo/auth  ", "", `{"mode":"required"}` + "\n"},
		"auth set":          {"auth set " + config, `{"mode":"required"}`, "PUT /v1/tenants/demo/auth application/json ", `{"a":1}`, `{"mode":"required"}` + "\n"},
		"revoke":            {"revoke --sub u7 --before 2026-01-02T03:04:05Z", "", "POST /v1/tenants/demo/revocations application/json ", `{"sub":"u7","before":"2026-01-02T03:04:05Z"}`, ""},
		"usage": {
			"usage",
			`{"node":"n1","since":"t0","usage":{"runs":7,"errors":{"BAD_OUTPUT":1,"INTERNAL":0}},"limits":[{"name":"modules","unit":"modules","limit":20,"used":3},{"name":"fuelPerRun","limit":5}],
			"quarantined":[{"module":"orders","resolver":"Subscription.a","until":"t9","failures":20}]}`,
			"GET /v1/tenants/demo/usage  ", "",
			"node                        n1\nsince                       t0\nerrors                      1 of BAD_OUTPUT\nruns                        7\nmodules                     3 of 20 modules\n" +
				"in quarantine               Subscription.a of module orders until t9, after 20 failures\n",
		},
	} {
		s := &script{status: 200, contentType: "application/json", answer: test.answer}
		if test.answer == "" {
			s.status = 204
		}
		got := invoke(t, "", append(strings.Fields(test.args), "--server", s.start(t))...)
		if want := (invocation{out: test.out}); got.code != want.code || got.errors != "" || trimLines(got.out) != want.out {
			t.Errorf("%s: %d %q\n%s\nwant\n%s", name, got.code, got.errors, got.out, want.out)
		}
		s.expect(t, test.request, test.body)
	}
}

// trimLines takes blanks from the ends of lines.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func TestRouteUsageErrors(t *testing.T) {
	for args, want := range map[string]string{
		"tenants delete acme":                     "say so with --yes",
		"tenants set acme":                        "nothing is to be changed",
		"tenants set acme --set modules":          "NAME=VALUE is wanted",
		"tenants set acme --set modules=x":        `"x" is no whole number`,
		"tenants set a --set k=1 --set k=2":       "twice",
		"tenants set acme --debug=maybe":          "true or false",
		"tenants show ../keys":                    `tenant "../keys" is not`,
		"keys create":                             "--scopes is missing",
		"modules show a/b":                        `name "a/b" is not`,
		"activate orders":                         "DIGEST is missing",
		"revoke":                                  "either --sub or --jti",
		"revoke --sub a --jti b":                  "either --sub or --jti",
		"revoke --sub a --before yesterday":       "no time of RFC 3339",
		"keys --limit -1":                         "--limit is below zero",
		"subscriptions stop x":                    `unexpected argument "stop"`,
		"tenants show acme now":                   `unexpected argument "now"`,
		"logs now":                                `unexpected argument "now"`,
		"schema now":                              `unexpected argument "now"`,
		"config set orders":                       "FILE is missing",
		"tenants create acme --introspection=may": "true or false",
	} {
		got := invoke(t, "", strings.Fields(args)...)
		if got.code != exitUsage || got.out != "" || !strings.Contains(got.errors, want) {
			t.Errorf("%s: %+v, want exit 2 and %q", args, got, want)
		}
	}
}

// pages is an admin server with a list in three pages.
type pages struct{ asked []string }

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked = append(p.asked, r.URL.String())
	w.Header().Set("Content-Type", "application/json")
	after := r.URL.Query().Get("after")
	next := map[string]string{"": "b", "b": "c"}[after]
	_, _ = fmt.Fprintf(w, `{"keys":[{"id":"%s1","scopes":["read","events"],"name":"x\u001b[2J"}],"next":%q}`, after, next)
}

func TestListing(t *testing.T) {
	p := &pages{}
	server := httptest.NewServer(p)
	defer server.Close()
	got := invoke(t, "", "keys", "--server", server.URL)
	want := "ID  SCOPES       CREATED  NAME\n1   read,events           x\\u001b[2J\nb1  read,events    x\\u001b[2J\nc1  read,events    x\\u001b[2J\n"
	if got.code != exitDone || got.out != want {
		t.Errorf("%+v, want\n%s", got, want)
	}
	if len(p.asked) != 3 || !strings.HasSuffix(p.asked[2], "/v1/tenants/demo/keys?after=c&limit=200") {
		t.Errorf("asked %q", p.asked)
	}
	got = invoke(t, "", "keys", "--server", server.URL, "--json", "--limit", "2")
	line := `{"id":"%s1","scopes":["read","events"],"name":"x\u001b[2J"}` + "\n"
	if want := fmt.Sprintf(line, "") + fmt.Sprintf(line, "b"); got.code != exitDone || got.out != want {
		t.Errorf("--json: %+v", got)
	}
	if got := invoke(t, "", "keys", "list", "--server", server.URL); got.code != exitDone || got.out != want {
		t.Errorf("list: %+v", got)
	}
	refused := &script{status: 404, contentType: "application/problem+json", answer: `{"errors":[{"message":"there is no such tenant; GET /v1/tenants lists all"}]}`}
	if got := invoke(t, "", "keys", "--server", refused.start(t)); got != (invocation{exitFailed, "", "runnel keys: 404 Not Found\n  there is no such tenant; runnel tenants lists all\n"}) {
		t.Errorf("refused: %+v, want no header", got)
	}
	s := &script{status: 200, contentType: "application/json", answer: `{"keys":{}}`}
	if got := invoke(t, "", "keys", "--server", s.start(t)); got.code != exitFailed || !strings.Contains(got.errors, "cannot unmarshal") {
		t.Errorf("a list that is none: %+v", got)
	}
}

// TestPlacesInWhatTheUserWrote: a place in JSON that the tool has made is told to
// nobody, one in a file is.
func TestPlacesInWhatTheUserWrote(t *testing.T) {
	file := writeFile(t, "auth.json", "{}")
	s := &script{status: 400, contentType: "application/problem+json", answer: `{"errors":[{"message":"unknown","offset":9,"line":1,"column":10}]}`}
	server := s.start(t)
	for _, c := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"tenants", "set", "acme", "--set", "x=1"}, "\n  unknown\n"},
		{[]string{"publish", "orders", "1"}, "\n  unknown\n"},
		{[]string{"publish", "--ndjson", file}, "\n  offset 9, line 1, column 10: unknown\n"},
		{[]string{"auth", "set", file}, "\n  offset 9, line 1, column 10: unknown\n"},
	} {
		if got := invoke(t, "", append(c.arguments, "--server", server)...); got.code != exitFailed || !strings.HasSuffix(got.errors, c.want) {
			t.Errorf("%q: %+v, want %q", c.arguments, got, c.want)
		}
	}
}

func TestSchemaCommand(t *testing.T) {
	s := &script{status: 200, contentType: "text/plain", answer: "type Query {\n  a: Int # \x1b[2J\n}\n"}
	got := invoke(t, "", "schema", "--server", s.start(t))
	if got.code != exitDone || got.out != "type Query {\n  a: Int # \\u001b[2J\n}\n" {
		t.Errorf("%+v", got)
	}
}

const logLine = `{"time":"2026-01-02T03:04:05.678Z","level":"warn","module":"orders","digest":"sha256:ab","event":"e1","line":"a\u001b[2J\u2028b","truncated":true}`

func TestLogs(t *testing.T) {
	s := &script{status: 200, contentType: "application/json", answer: `{"lines":[` + logLine + `]}`}
	server := s.start(t)
	t.Setenv("TZ", "UTC")
	got := invoke(t, "", "logs", "--server", server)
	if got.code != exitDone || !strings.HasSuffix(got.out, ` WARN  orders a\u001b[2J\u2028b (cut)  event=e1`+"\n") || strings.Count(got.out, "\n") != 1 {
		t.Errorf("%+v", got)
	}
	got = invoke(t, "", "logs", "--server", server, "--json")
	if want := strings.ReplaceAll(logLine, "\u2028", `\u2028`) + "\n"; got.out != want {
		t.Errorf("--json: %q", got.out)
	}
}

func TestLogsFollow(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Accept"), "text/event-stream, ") || r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ":\n\nid: 1\nevent: line\ndata: "+logLine+"\n\n")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "event: missed\ndata: {\"lines\":7}\n\nevent: new\ndata: {}\n\nevent: line\ndata: {\"line\":\n")
	}))
	defer server.Close()
	got := invoke(t, "", "logs", "--follow", "--server", server.URL, "--token", "secret")
	if got.code != exitFailed || !strings.Contains(got.errors, "the server ended the stream") || strings.Count(got.out, "\n") != 2 || !strings.Contains(got.out, "7 lines came faster") {
		t.Errorf("%+v", got)
	}
	if got := invoke(t, "", "logs", "--follow", "--server", server.URL); got.code != exitFailed || !strings.Contains(got.errors, "418") {
		t.Errorf("refused: %+v", got)
	}
}

func TestReadEvents(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "",
		"data: a\n\n":                     "|a\n",
		"event: x\ndata: a\ndata:b\n\n":   "x|a\nb\n",
		"event: x\n\ndata\n\n":            "|\n",
		": c\nid: 1\nretry: 5\ndata: a\n": "",
	} {
		got := ""
		err := readEvents(strings.NewReader(text), func(kind string, data []byte) error {
			got += kind + "|" + string(data) + "\n"
			return nil
		})
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, long := range []string{"data: " + strings.Repeat("x", maxLineBytes), strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 2000)} {
		if err := readEvents(strings.NewReader(long), func(string, []byte) error { return nil }); err == nil {
			t.Error("an event without end is taken")
		}
	}
}
