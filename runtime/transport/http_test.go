package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	graphqlType = "application/graphql-response+json"
	jsonType    = "application/json"
	utf8        = "; charset=utf-8"
)

func post(body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/t/demo/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", jsonType)
	return with(r, headers...)
}

func get(query string, headers ...string) *http.Request {
	return with(httptest.NewRequest(http.MethodGet, "/t/demo/graphql?"+query, nil), headers...)
}

func with(r *http.Request, headers ...string) *http.Request {
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	return r
}

func (s *stage) answer(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func TestHTTP(t *testing.T) {
	const good = `{"query":"query {\"data\":1}"}`
	failed := func(message, code string) string {
		return `{"errors":[{"message":"` + message + `","extensions":{"code":"` + code + `"}}]}`
	}
	located := func(message, code string) string {
		return `{"errors":[{"message":"` + message + `","locations":[{"line":1,"column":2}],"extensions":{"code":"` + code + `"}}]}`
	}
	problem := func(message string) string { return `"errors":[{"message":"` + message + `"}]}` + "\n" }
	query := url.Values{"query": {`query {"data":1}`}}.Encode()
	for _, test := range []struct {
		name    string
		request *http.Request
		status  int
		body    string // the whole, or for a problem its end
	}{
		{"post", post(good), 200, `{"data":1}`},
		{"charset", post(good, "Content-Type", "", "Content-Type", "application/json; charset=UTF-8"), 200, `{"data":1}`},
		{"mutation", post(`{"query":"mutation {\"data\":2}","operationName":null,"variables":null,"extensions":null}`), 200, `{"data":2}`},
		{"unknown members", post(`{"query":"query {\"data\":1}","Query":7,"id":"x"}`), 200, `{"data":1}`},
		{"get", get(query), 200, `{"data":1}`},
		{"get, empty parameters", get(query + "&operationName=&variables=&extensions="), 200, `{"data":1}`},
		{"get, null variables", get(query + "&variables=null"), 200, `{"data":1}`},

		{"no JSON", post(`{"query":`), 400, failed("the body is not valid JSON: unexpected end of text at line 1, column 10", "BAD_USER_INPUT")},
		{"two values", post(good + good), 400, failed("the body is not valid JSON: text after the value at line 1, column 31", "BAD_USER_INPUT")},
		{"empty body", post(""), 400, failed("the body is not valid JSON: unexpected end of text at line 1, column 1", "BAD_USER_INPUT")},
		{"batch", post("[" + good + "]"), 400, failed("the body must be one object, but it is an array", "BAD_USER_INPUT")},
		{"no query", post(`{"Query":"x"}`), 400, failed("'query' must be a string, but it is missing", "BAD_USER_INPUT")},
		{"number as query", post(`{"query":1}`), 400, failed("'query' must be a string, but it is a number", "BAD_USER_INPUT")},
		{"array as variables", post(`{"query":"","variables":[]}`), 400, failed("'variables' must be an object or null, but it is an array", "BAD_USER_INPUT")},
		{"get without query", get("variables={}"), 400, failed("'query' is missing", "BAD_USER_INPUT")},
		{"get with a bad URL", get("query=%zz"), 400, failed("the URL's query is malformed", "BAD_USER_INPUT")},
		{"get with two queries", get(query + "&" + query), 400, failed("'query' is given more than once", "BAD_USER_INPUT")},
		{"get with bad variables", get(query + "&variables={"), 400, failed("'variables' is not valid JSON: unexpected end of text at line 1, column 2", "BAD_USER_INPUT")},
		{"get with string variables", get(query + `&variables=%22x%22`), 400, failed("'variables' must be an object or null, but it is a string", "BAD_USER_INPUT")},
		{"too long", post(`{"query":"` + strings.Repeat("x", 2000) + `"}`), 413, `{"errors":[{"message":"the body is longer than 1024 bytes","extensions":{"code":"LIMIT_EXCEEDED","limit":"messageBytes"}}]}`},
		{"too long, not said beforehand", sized(-1, strings.NewReader(strings.Repeat(" ", 2000))), 413, `{"errors":[{"message":"the body is longer than 1024 bytes","extensions":{"code":"LIMIT_EXCEEDED","limit":"messageBytes"}}]}`},
		{"too long, said beforehand", sized(2000, iotest.ErrReader(errors.New("it was read"))), 413, `{"errors":[{"message":"the body is longer than 1024 bytes","extensions":{"code":"LIMIT_EXCEEDED","limit":"messageBytes"}}]}`},

		{"invalid, as JSON", post(`{"query":"refuse bad"}`), 200, located("bad", "GRAPHQL_VALIDATION_FAILED")},
		{"invalid, as GraphQL", post(`{"query":"refuse bad"}`, "Accept", graphqlType), 400, located("bad", "GRAPHQL_VALIDATION_FAILED")},
		{"forbidden, as JSON", post(`{"query":"refuse FORBIDDEN:bad"}`), 200, located("bad", "FORBIDDEN")},
		{"forbidden, as GraphQL", post(`{"query":"refuse FORBIDDEN:bad"}`, "Accept", graphqlType), 403, located("bad", "FORBIDDEN")},
		{"internal, as JSON", post(`{"query":"refuse INTERNAL:bad"}`), 500, located("bad", "INTERNAL")},

		{"subscription", post(`{"query":"subscription a"}`), 406, failed("a subscription needs Accept: text/event-stream, or a WebSocket with the subprotocol graphql-transport-ws", "BAD_USER_INPUT")},
		{"get mutation", get("query=mutation+1"), 405, failed("a mutation needs the method POST", "BAD_USER_INPUT")},

		{"method", with(httptest.NewRequest("PUT", "/t/demo/graphql", nil)), 405, problem("the method must be GET or POST")},
		{"no content type", post(good, "Content-Type", ""), 415, problem("the body's Content-Type must be application/json in UTF-8")},
		{"text", post(good, "Content-Type", "", "Content-Type", "text/plain"), 415, problem("the body's Content-Type must be application/json in UTF-8")},
		{"latin", post(good, "Content-Type", "", "Content-Type", "application/json; charset=latin1"), 415, problem("the body's Content-Type must be application/json in UTF-8")},
		{"gzip", post(good, "Content-Encoding", "gzip"), 415, problem("a body with Content-Encoding is not read")},
		{"html", post(good, "Accept", "text/html"), 406, problem("the response is application/graphql-response+json, application/json or text/event-stream; Accept allows none of these")},
		{"refused", post(good, "Authorization", "Bearer bad"), 401, problem("the credentials were refused; send Authorization: Bearer … with a token that the tenant takes and that has not expired")},
		{"garbled", post(good, "Authorization", "Bearer garbled"), 400, problem("the header X-Runnel-Identity: it is garbled" + strings.Repeat("!", 200))},
		{"failure", post(good, "Authorization", "Bearer broken"), 500, problem("Internal server error")},
		{"no tenant", httptest.NewRequest("POST", "/t/nobody/graphql", nil), 404, problem("there is no such tenant")},
		{"no path", httptest.NewRequest("POST", "/t/demo/graphql/", nil), 404, problem("there is nothing at this path")},
		{"no id", httptest.NewRequest("POST", "/t//graphql", nil), 404, problem("there is nothing at this path")},
		{"slash", httptest.NewRequest("POST", "/t/demo%2F/graphql", nil), 404, problem("there is no such tenant")},
		{"no path at all", httptest.NewRequest("POST", "/graphql", nil), 404, problem("there is nothing at this path")},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, nil)
			s.limits(`{"messageBytes":1024}`)
			w := s.answer(test.request)
			body := w.Body.String()
			whole := body == test.body
			if w.Header().Get("Content-Type") == "application/problem+json" {
				whole = strings.HasSuffix(test.body, "\n") && strings.HasSuffix(body, test.body)
			}
			if w.Code != test.status || !whole {
				t.Errorf("got %d %s\nwant %d %s", w.Code, body, test.status, test.body)
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "*" && !strings.Contains(test.name, "path") &&
				test.name != "no id" && test.name != "slash" {
				t.Error("a page cannot read the answer")
			}
			if w.Code == 405 && w.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestHTTPRequestReachesTheExecutor(t *testing.T) {
	s := newStage(t, nil)
	s.answer(post(`{"query":"query 1","operationName":"N","variables":{"a": 1},"extensions":{"b":2}}`,
		"Authorization", "Bearer x", "X-Runnel-Identity", `{"claims":{}}`))
	check := func(method string) {
		t.Helper()
		if r := s.script.last; r.Query != "query 1" || r.OperationName != "N" || string(r.Variables) != `{"a": 1}` || string(r.Extensions) != `{"b":2}` {
			t.Errorf("%s: %+v", method, r)
		}
	}
	check("POST")
	if c := s.door.credentials(); c.Authorization != "Bearer x" || string(c.Details) != `{"claims":{}}` || subject(s.script.who) != `"Bearer x"` {
		t.Errorf("credentials %+v", c)
	}
	s.answer(get(url.Values{
		"query": {"query 1"}, "operationName": {"N"}, "variables": {`{"a": 1}`}, "extensions": {`{"b":2}`},
		"authorization": {"Bearer url"},
	}.Encode(), "Cookie", "authorization=x"))
	check("GET")
	if c := s.door.credentials(); c.Authorization != "" || c.Details != nil {
		t.Errorf("credentials %+v", c)
	}
}

// What was opened and cannot be carried is given up.
func TestHTTPClosesWhatItDoesNotExecute(t *testing.T) {
	s := newStage(t, nil)
	s.answer(post(`{"query":"subscription a"}`))
	s.answer(get("query=mutation+1"))
	for _, line := range []string{"closed subscription", "closed mutation"} {
		if s.script.noted(line) != 1 {
			t.Errorf("not %s", line)
		}
	}
}

func TestAccept(t *testing.T) {
	s := newStage(t, nil)
	for accept, want := range map[string]string{
		"":                                       jsonType,
		"*/*":                                    jsonType,
		"application/*":                          jsonType,
		"application/json":                       jsonType,
		graphqlType:                              graphqlType,
		graphqlType + utf8:                       graphqlType,
		"APPLICATION/JSON":                       jsonType,
		"text/html, " + jsonType:                 jsonType,
		graphqlType + ", application/json;q=0.9": graphqlType,
		graphqlType + ", application/json":       graphqlType,
		"application/json, " + graphqlType:       jsonType,
		"application/json;q=0.5, " + graphqlType + ";q=0.8": graphqlType,
		graphqlType + ";q=0, */*;q=0.1":                     jsonType,
		"*/*, " + graphqlType:                               graphqlType,
		"application/json;q=0, */*":                         graphqlType,
		"application/json;q=0.1, application/*;q=0.9":       graphqlType,
		"application/*;q=0, */*":                            "",
		"*/*;q=0":                                           "",
		"application/json, application/json;q=0":            jsonType,
		graphqlType + ";q=2, application/json;q=0.1":        jsonType,
		graphqlType + ";q=NaN, application/json;q=0.1":      jsonType,
		",":                                jsonType,
		"text/*":                           "",
		"application/json;q=0":             "",
		"application/json; charset=latin1": "",
		"application/json;q=x":             "",
		"/, application/json":              jsonType,
	} {
		r := post(`{"query":"query {\"data\":1}"}`)
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		w := s.answer(r)
		got := w.Header().Get("Content-Type")
		if want == "" && w.Code == 406 {
			continue
		}
		if got != want+utf8 {
			t.Errorf("Accept %q: %d %s, want %s", accept, w.Code, got, want)
		}
	}
}

// A handshake that is none is a problem, and takes no place.
func TestBadHandshake(t *testing.T) {
	s := newStage(t, nil)
	s.limits(`{"connections":1}`)
	for range 3 {
		w := s.answer(get("", "Connection", "upgrade", "Upgrade", "websocket"))
		if w.Code != 400 || w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
	if err := s.handler.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

// A request that its client gives up is cancelled.
func TestHTTPCancel(t *testing.T) {
	s := newStage(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.answer(post(`{"query":"wait"}`).WithContext(ctx))
	if s.script.noted("cancelled") != 1 {
		t.Error("not cancelled")
	}
}

// sized is a request whose body says its length, or not, which is -1.
func sized(length int64, body io.Reader) *http.Request {
	r := httptest.NewRequest("POST", "/t/demo/graphql", body)
	r.ContentLength = length
	r.Header.Set("Content-Type", "application/json")
	return r
}
