package main

import (
	"bytes"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/problem"
)

// script is an admin server that gives one answer and keeps what it was asked.
type script struct {
	status      int
	contentType string
	answer      string
	location    string

	requests []string // method, URL, content type and authorization
	bodies   []string
}

func (s *script) start(t *testing.T) (url string) {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = []byte(err.Error())
	}
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	s.requests = append(s.requests, strings.Join([]string{r.Method, r.URL.String(), contentType, r.Header.Get("Authorization")}, " "))
	s.bodies = append(s.bodies, string(body))
	if parts, ok := formParts(r, body); ok {
		s.bodies[len(s.bodies)-1] = parts
	}
	w.Header().Set("Content-Type", s.contentType)
	if s.location != "" {
		w.Header().Set("Location", s.location)
	}
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.answer)
}

// formParts spells a multipart body as name|type|content, a line each.
func formParts(r *http.Request, body []byte) (string, bool) {
	kind, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return "", false
	}
	var b strings.Builder
	reader := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for {
		part, err := reader.NextPart()
		if err != nil {
			return b.String(), err == io.EOF
		}
		content, _ := io.ReadAll(part)
		b.WriteString(part.FormName() + "|" + part.Header.Get("Content-Type") + "|" + string(content) + "\n")
	}
}

// expect checks the only request that came.
func (s *script) expect(t *testing.T, request, body string) {
	t.Helper()
	if len(s.requests) != 1 || s.requests[0] != request || s.bodies[0] != body {
		t.Errorf("requests %q with %q, want %q with %q", s.requests, s.bodies, request, body)
	}
}

func writeFile(t *testing.T, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const pushAnswer = `{"name":"orders", "digest":"sha256:ab","bytes":4,"resolvers":["Query.a","Subscription.b"],"active":true}`

func created() *script {
	return &script{status: 201, contentType: "application/json", answer: pushAnswer}
}

func TestPush(t *testing.T) {
	file := writeFile(t, "orders.wasm", "\x00asm")
	s := created()
	got := invoke(t, "", "push", "--server", s.start(t), "--name", "orders", file)
	want := invocation{out: `name       orders
digest     sha256:ab
bytes      4
resolvers  Query.a
           Subscription.b
active     true
`}
	if got != want {
		t.Errorf("got %+v", got)
	}
	s.expect(t, "PUT /v1/tenants/demo/modules/orders?activate=true application/wasm ", "\x00asm")
}

func TestPushVariants(t *testing.T) {
	file, schema := writeFile(t, "orders.wasm", "\x00asm"), writeFile(t, "schema.graphql", "type Query")
	for name, test := range map[string]struct {
		args          []string
		stdin         string
		request, body string
	}{
		"not activated, with a token": {
			[]string{file, "--no-activate", "--tenant", "acme", "--token", "secret "},
			"",
			"PUT /v1/tenants/acme/modules/orders?activate=false application/wasm Bearer secret", "\x00asm",
		},
		"stdin": {
			[]string{"-"},
			"from stdin",
			"PUT /v1/tenants/demo/modules/orders?activate=true application/wasm ", "from stdin",
		},
		"schema": {
			[]string{"--schema", schema, file},
			"",
			"PUT /v1/tenants/demo/modules/orders?activate=true multipart/form-data ",
			"module|application/wasm|\x00asm\nschema|application/graphql|type Query\n",
		},
		"schema on stdin": {
			[]string{"--schema", "-", file},
			"type X",
			"PUT /v1/tenants/demo/modules/orders?activate=true multipart/form-data ",
			"module|application/wasm|\x00asm\nschema|application/graphql|type X\n",
		},
	} {
		s := created()
		args := append([]string{"push", "--json", "--name", "orders", "--server", s.start(t)}, test.args...)
		got := invoke(t, test.stdin, args...)
		if want := (invocation{out: strings.ReplaceAll(pushAnswer, " ", "") + "\n"}); got != want {
			t.Errorf("%s: %+v", name, got)
		}
		s.expect(t, test.request, test.body)
	}
}

func TestEnvironment(t *testing.T) {
	s := created()
	file, server := writeFile(t, "orders.wasm", strings.Repeat("x", 1<<20)), s.start(t)
	t.Setenv("RUNNEL_SERVER", server+"/base/")
	t.Setenv("RUNNEL_TENANT", "acme")
	t.Setenv("RUNNEL_TOKEN", "secret\n")
	var out, errors bytes.Buffer
	if code := run(t.Context(), []string{"push", "--name", "orders", file}, nil, &out, &errors); code != exitDone {
		t.Errorf("exit %d: %s", code, &errors)
	}
	s.expect(t, "PUT /base/v1/tenants/acme/modules/orders?activate=true application/wasm Bearer secret", strings.Repeat("x", 1<<20))
}

func TestPublish(t *testing.T) {
	lines := writeFile(t, "events.ndjson", "{\"channel\":\"a\"}\n")
	for name, test := range map[string]struct {
		args                       []string
		stdin, contentType, wanted string
	}{
		"argument": {[]string{"orders", ` {"n": 1.00} `}, "", "application/json", `{"channel":"orders","payload":{"n": 1.00}}`},
		"id":       {[]string{"orders", "[]", "--id", `a"b`}, "", "application/json", `{"channel":"orders","id":"a\"b","payload":[]}`},
		"stdin":    {[]string{"orders", "-"}, "{\"a\":\n1}\n", "application/json", "{\"channel\":\"orders\",\"payload\":{\"a\":\n1}}"},
		"minus":    {[]string{"--", "orders", "-1"}, "", "application/json", `{"channel":"orders","payload":-1}`},
		"lines":    {[]string{"--ndjson", lines}, "", "application/x-ndjson", "{\"channel\":\"a\"}\n"},
		"piped":    {[]string{"--ndjson", "-"}, "{}\n{}", "application/x-ndjson", "{}\n{}"},
	} {
		s := &script{status: 202, contentType: "application/json", answer: `{"accepted":2, "cursor":"c\u001b1"}`}
		got := invoke(t, test.stdin, append([]string{"publish", "--server", s.start(t)}, test.args...)...)
		if want := (invocation{out: "accepted   2\ncursor     c\\u001b1\n"}); got != want {
			t.Errorf("%s: %+v", name, got)
		}
		s.expect(t, "POST /v1/tenants/demo/events "+test.contentType+" ", test.wanted)
	}
}

func TestPublishAnswers(t *testing.T) {
	for answer, want := range map[string]string{
		`{"accepted":1}`:                  "accepted   1\n",
		`{"accepted":1,"cursor":null}`:    "accepted   1\n",
		`{"accepted":1,"cursor":{"a":1}}`: "accepted   1\ncursor     {\"a\":1}\n",
	} {
		s := &script{status: 202, answer: answer}
		if got := invoke(t, "", "publish", "--server", s.start(t), "orders", "1"); got != (invocation{out: want}) {
			t.Errorf("%s: %+v", answer, got)
		}
	}
	s := &script{status: 202, answer: "{\"accepted\": 1,\n \"new\": \"\u009b\"}"}
	got := invoke(t, "", "publish", "--json", "--server", s.start(t), "orders", "1")
	if want := (invocation{out: `{"accepted":1,"new":"\u009b"}` + "\n"}); got != want {
		t.Errorf("--json: %+v", got)
	}
}

func TestBadPayloadOnStdin(t *testing.T) {
	s := created()
	got := invoke(t, "{\n]", "publish", "--server", s.start(t), "orders", "-")
	if got.code != exitFailed || !strings.Contains(got.errors, "line 2, column 1") || len(s.requests) != 0 {
		t.Errorf("%+v after %q", got, s.requests)
	}
}

func TestProblems(t *testing.T) {
	const full = `{"type":"about:blank","title":"module refused","status":200,"code":"LIMIT_EXCEEDED","limit":"moduleBytes","errors":[` +
		`{"message":"a\u001b[2J","function":"Query.a","offset":0},{"message":"two\nlines","line":3,"column":7},{"message":"b"}]}`
	for name, test := range map[string]struct {
		script script
		want   string
	}{
		"problem": {
			script{status: 422, contentType: problem.ContentType + "; charset=utf-8", answer: full},
			"422 module refused (LIMIT_EXCEEDED, limit moduleBytes)\n  Query.a, offset 0: a\\u001b[2J\n  line 3, column 7: two\n    lines\n  b\n",
		},
		"problem without members": {script{status: 403, contentType: problem.ContentType, answer: "{}"}, "403 Forbidden\n"},
		"broken problem":          {script{status: 500, contentType: problem.ContentType, answer: "{"}, "500 Internal Server Error\n"},
		"deep problem": {
			script{status: 400, contentType: problem.ContentType, answer: `{"x":` + strings.Repeat("[", 1<<20)},
			"400 Bad Request\n",
		},
		"plain text": {
			script{status: 404, contentType: "text/plain; charset=utf-8", answer: "404 page\x1b not found\nmore"},
			"404 Not Found\n  404 page\\u001b not found\n",
		},
		"long text": {
			script{status: 502, contentType: "text/plain", answer: strings.Repeat("é", 200)},
			"502 Bad Gateway\n  " + strings.Repeat("é", 100) + "…\n",
		},
		"page": {script{status: 503, contentType: "text/html", answer: "<p>no"}, "503 Service Unavailable\n"},
		"redirect": {
			script{status: 307, contentType: "text/html", location: "https://elsewhere/", answer: "<a>"},
			"307 Temporary Redirect\n  the server points to https://elsewhere/, which is not followed\n",
		},
		"no JSON": {
			script{status: 202, contentType: "text/html", answer: "<p>welcome"},
			"the answer of URL/v1/tenants/demo/events is no JSON; is a Runnel server there?\n",
		},
		"other JSON": {
			script{status: 202, answer: "[]"},
			"the answer of URL/v1/tenants/demo/events: json: cannot unmarshal array into Go value of type main.published\n",
		},
		"endless": {
			script{status: 202, answer: strings.Repeat(" ", maxAnswerBytes+1)},
			"the answer of URL/v1/tenants/demo/events is longer than 4194304 bytes\n",
		},
	} {
		server := test.script.start(t)
		got := invoke(t, "", "publish", "--token", "secret", "--server", server, "orders", "1")
		want := invocation{exitFailed, "", "runnel publish: " + strings.ReplaceAll(test.want, "URL", server)}
		if got != want {
			t.Errorf("%s: %+v,\nwant %+v", name, got, want)
		}
		if len(test.script.requests) != 1 {
			t.Errorf("%s: requests %q", name, test.script.requests)
		}
	}
}

func TestProblemsAsJSON(t *testing.T) {
	s := &script{status: 409, contentType: problem.ContentType, answer: `{"title":"known","code":"BAD_USER_INPUT","errors":[{"message":"a\u009b","offset":4}]}`}
	got := invoke(t, "", "publish", "--json", "--server", s.start(t), "orders", "1")
	want := `{"title":"known","status":409,"code":"BAD_USER_INPUT","errors":[{"message":"a\u009b","offset":4}]}` + "\n"
	if got != (invocation{exitFailed, "", want}) {
		t.Errorf("got %+v", got)
	}
	s = &script{status: 502, contentType: "text/html"}
	got = invoke(t, "", "publish", "--json", "--server", s.start(t), "orders", "1")
	if got != (invocation{exitFailed, "", `{"title":"Bad Gateway","status":502}` + "\n"}) {
		t.Errorf("got %+v", got)
	}
	got = invoke(t, "", "push", "--json", "--name", "a", filepath.Join(t.TempDir(), "none"))
	if got.code != exitFailed || !strings.HasPrefix(got.errors, `{"title":"open `) || !strings.HasSuffix(got.errors, "no such file or directory\"}\n") {
		t.Errorf("got %+v", got)
	}
}

// silent listens and never says a word. accepted is told of each connection.
func silent(t *testing.T) (url string, accepted <-chan struct{}) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections := make(chan struct{}, 8)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			connections <- struct{}{}
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return "http://" + listener.Addr().String(), connections
}

func TestNoServer(t *testing.T) {
	server, _ := silent(t)
	for _, args := range [][]string{{"publish", "orders", "1"}, {"subscribe", "{a}"}} {
		got := invoke(t, "", append(args, "--server", server, "--timeout", "50ms")...)
		if got.code != exitFailed || !strings.Contains(got.errors, "did not answer within 50ms") {
			t.Errorf("silent: %+v", got)
		}
		got = invoke(t, "", append(args, "--server", "http://127.0.0.1:1")...)
		if got.code != exitFailed || !strings.Contains(got.errors, "127.0.0.1:1/") || !strings.Contains(got.errors, "cannot be reached") {
			t.Errorf("nobody: %+v", got)
		}
	}
}

// TestUnknownAuthority has a server whose certificate nobody knows.
func TestUnknownAuthority(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	for _, arguments := range [][]string{{"modules"}, {"subscribe", "{a}"}, {"logs", "--follow"}} {
		if got := invoke(t, "", append(arguments, "--server", server.URL)...); got.code != exitFailed || !strings.Contains(got.errors, "; on Linux SSL_CERT_FILE names") {
			t.Errorf("%q: %+v", arguments, got)
		}
	}
}
