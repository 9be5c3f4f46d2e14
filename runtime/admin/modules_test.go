package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

const ordersPath = "/v1/tenants/acme/modules/orders"

func (s *stage) push(path, wasm string) (digest string) {
	s.t.Helper()
	w := s.do("PUT", path, "application/wasm", wasm)
	var v struct {
		Digest string `json:"digest"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != http.StatusCreated {
		s.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return v.Digest
}

func TestPutModule(t *testing.T) {
	s := newStage(t)
	one := orders("1")
	w := s.do("PUT", ordersPath, "application/wasm", one)
	var digest struct{ Digest string }
	if err := json.Unmarshal(w.Body.Bytes(), &digest); err != nil {
		t.Fatal(err)
	}
	body := func(active bool) string {
		return fmt.Sprintf(`{"name":"orders","digest":%q,"bytes":%d,"resolvers":["Query.order"],"active":%t}`, digest.Digest, len(one), active)
	}
	s.want(w, http.StatusCreated, body(false))
	s.wantProblem(s.do("GET", "/v1/tenants/acme/schema", "", ""), http.StatusNotFound, abi.CodeBadUserInput, "no module is active")
	s.want(s.do("PUT", ordersPath+"?activate=false", "application/wasm", one), http.StatusOK, body(false))
	s.want(s.do("PUT", ordersPath+"?activate=true", "application/wasm", one), http.StatusOK, body(true))
	s.want(s.do("PUT", ordersPath, "application/wasm", one), http.StatusOK, body(true))

	w = s.do("GET", "/v1/tenants/acme/schema", "", "")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || !strings.Contains(w.Body.String(), "type Order {") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestModuleWithoutResolvers(t *testing.T) {
	s := newStage(t)
	w := s.do("PUT", ordersPath, "application/wasm", module("type Order { id: ID! }"))
	if w.Code != http.StatusCreated || !strings.Contains(w.Body.String(), `"resolvers":[]`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestModuleLife(t *testing.T) {
	s := newStage(t)
	one := s.push(ordersPath+"?activate=true", orders("1"))
	two := s.push(ordersPath, orders("2"))

	answer := func(digest string) string { return fmt.Sprintf(`"digest":%q`, digest) }
	for _, step := range []struct{ path, body, want string }{
		{"/activate", `{"digest":"` + two + `"}`, two},
		{"/activate", `{"digest":"` + two + `"}`, two},
		{"/rollback", "", one},
		{"/rollback", "", two},
	} {
		w := s.do("POST", ordersPath+step.path, "application/json", step.body)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), answer(step.want)) || !strings.Contains(w.Body.String(), `"active":true`) {
			t.Errorf("%s %s: %d %s", step.path, step.body, w.Code, w.Body)
		}
	}
	type kept struct {
		Digest  string
		Created string
		Active  bool
	}
	var got struct {
		Name, Active, Previous string
		Versions               []kept
	}
	if err := json.Unmarshal(s.do("GET", ordersPath, "", "").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "orders" || got.Active != two || got.Previous != one || len(got.Versions) != 2 || got.Versions[0].Digest != two || got.Versions[1].Active {
		t.Errorf("got %+v", got)
	}
	if w := s.do("GET", "/v1/tenants/acme/modules", "", ""); !strings.HasPrefix(w.Body.String(), `{"modules":[{"name":"orders","active":"sha256:`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	s.wantProblem(s.do("DELETE", ordersPath+"/versions/"+two, "", ""), http.StatusConflict, abi.CodeBadUserInput, "activate another one first")
	if w := s.do("DELETE", ordersPath+"/versions/"+one, "", ""); w.Code != http.StatusNoContent {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	s.wantProblem(s.do("DELETE", ordersPath+"/versions/"+one, "", ""), http.StatusNotFound, abi.CodeBadUserInput, "no such version")
	if w := s.do("GET", "/v1/tenants/acme/audit?limit=2", "", ""); !strings.Contains(w.Body.String(), `"target":"orders `+one+`","status":204`) {
		t.Errorf("the audit log has %s", w.Body)
	}
	if w := s.do("DELETE", ordersPath, "", ""); w.Code != http.StatusNoContent {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, request := range []string{"GET ", "DELETE ", "POST /rollback"} {
		method, path, _ := strings.Cut(request, " ")
		s.wantProblem(s.do(method, ordersPath+path, "", ""), http.StatusNotFound, abi.CodeBadUserInput, "no module orders")
	}
}

func TestActivateRefuses(t *testing.T) {
	s := newStage(t)
	one := s.push(ordersPath, orders("1"))
	for body, part := range map[string]string{
		`{}`:                            "digest is missing",
		`{"digest":1}`:                  "digest must be a string",
		`{"digest":"sha256:00"}`:        "64 hex digits",
		`{"digest":"` + one[7:] + `"}`:  "64 hex digits",
		`{"digest":"x","version":"y"}`:  `unknown member "version"; there are digest`,
		`{"digest":"` + one + `"} more`: "",
	} {
		s.wantProblem(s.do("POST", ordersPath+"/activate", "application/json", body), http.StatusBadRequest, abi.CodeBadUserInput, part)
	}
	unknown := `{"digest":"sha256:` + strings.Repeat("0", 64) + `"}`
	s.wantProblem(s.do("POST", ordersPath+"/activate", "application/json", unknown), http.StatusNotFound, abi.CodeBadUserInput, "upload it first")
	s.wantProblem(s.do("POST", ordersPath+"/rollback", "", ""), http.StatusConflict, abi.CodeBadUserInput, "no earlier version")
}

func TestConflictsNameBoth(t *testing.T) {
	s := newStage(t)
	s.push(ordersPath+"?activate=true", orders("1"))
	s.push("/v1/tenants/acme/modules/customers?activate=true", module("extend type Query { orders: [Order] }", "Query.orders"))
	p := s.wantProblem(s.do("DELETE", ordersPath, "", ""), http.StatusConflict, abi.CodeValidationFailed, "module orders cannot be deleted")
	if len(p.Errors) < 2 || !strings.Contains(p.Errors[1].Message, "module customers") || p.Errors[1].Line != 1 || p.Errors[1].Column == 0 {
		t.Errorf("errors %+v", p.Errors)
	}
}

func TestPutModuleRefuses(t *testing.T) {
	s := newStage(t)
	serving := s.push(ordersPath+"?activate=true", orders("1"))
	imports := wasmtest.New()
	imports.Import("env", "now", nil, nil)
	imports.Memory(1)
	imports.Custom(abi.SchemaSection, []byte("type Query { a: Int }"))
	noMemory := wasmtest.New()
	noMemory.Custom(abi.SchemaSection, []byte("type Query { a: Int }"))
	for name, test := range map[string]struct {
		wasm, part   string
		code         abi.Code
		function     string
		offset       bool
		line, column int
	}{
		"no wasm":         {"hello", "not a WebAssembly module", abi.CodeBadUserInput, "", true, 0, 0},
		"empty":           {"", "", abi.CodeBadUserInput, "", true, 0, 0},
		"foreign import":  {string(imports.Bytes()), "", abi.CodeBadUserInput, "env.now", true, 0, 0},
		"no memory":       {string(noMemory.Bytes()), "memory", abi.CodeBadUserInput, "", false, 0, 0},
		"bad SDL":         {module("type Query {\n\ta: Nope\n}", "Query.a"), "Nope", abi.CodeValidationFailed, "", false, 2, 5},
		"of nothing":      {module("type Query { a: Int }", "Query.a", "Query.b"), "names no field", abi.CodeValidationFailed, "Query.b", false, 0, 0},
		"of an interface": {module("type Query { a: T } interface T { b: Int }", "Query.a", "T.b"), "T is an interface", abi.CodeValidationFailed, "T.b", false, 1, 35},
		"no resolver":     {module("type Query { a: Int }"), "Query.a", abi.CodeValidationFailed, "", false, 1, 14},
	} {
		for _, query := range []string{"", "?activate=true"} {
			w := s.do("PUT", ordersPath+query, "application/wasm", test.wasm)
			p := s.wantProblem(w, http.StatusUnprocessableEntity, test.code, test.part)
			e := p.Errors[0]
			if e.Function != test.function || (e.Offset != nil) != test.offset || e.Line != test.line || e.Column != test.column {
				t.Errorf("%s: place of %s", name, w.Body)
			}
		}
	}
	w := s.do("GET", ordersPath, "", "")
	if !strings.Contains(w.Body.String(), `"active":"`+serving+`"`) || strings.Count(w.Body.String(), `"digest"`) != 1 {
		t.Errorf("a refused upload changed something: %s", w.Body)
	}
	s.wantProblem(s.do("PUT", "/v1/tenants/acme/modules/Orders", "application/wasm", ""), http.StatusBadRequest, abi.CodeBadUserInput, "a-z 0-9 -")
	s.wantProblem(s.do("PUT", ordersPath+"?activate=yes", "application/wasm", ""), http.StatusBadRequest, abi.CodeBadUserInput, `not "yes"`)
	s.wantProblem(s.do("PUT", ordersPath+"?activate=", "application/wasm", ""), http.StatusBadRequest, abi.CodeBadUserInput, `not ""`)
	s.wantProblem(s.do("PUT", ordersPath+"?activate=true&activate=false", "application/wasm", ""), http.StatusBadRequest, abi.CodeBadUserInput, "2 times")
}

func TestModuleLimits(t *testing.T) {
	for limits, test := range map[string]struct {
		wasm   string
		status int
		limit  string
	}{
		`{"moduleBytes":1024}`:  {orders(strings.Repeat(" ", 1024)), http.StatusRequestEntityTooLarge, "moduleBytes"},
		`{"modules":0}`:         {orders("1"), http.StatusConflict, "modules"},
		`{"schemaTypes":1}`:     {orders("1"), http.StatusUnprocessableEntity, "schemaTypes"},
		`{"schemaBytes":1024}`:  {module("type Query { a: Int }"+strings.Repeat(" ", 1024), "Query.a"), http.StatusUnprocessableEntity, "schemaBytes"},
		`{"memoryBytes":65536}`: {string(bigMemory()), http.StatusUnprocessableEntity, "memoryBytes"},
	} {
		s := newStage(t)
		s.limit(limits)
		p := s.wantProblem(s.do("PUT", ordersPath, "application/wasm", test.wasm), test.status, abi.CodeLimitExceeded, "")
		if p.Limit != test.limit {
			t.Errorf("%s: limit %q", limits, p.Limit)
		}
	}
}

func bigMemory() []byte {
	g := sandboxtest.New("type Query { a: Int }")
	g.Module().Memories[0].Min = 2
	return g.Resolver("Query.a", g.Output("1")).Bytes()
}

// form makes a multipart body of parts: names and contents in turn.
func form(t *testing.T, parts ...string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		part, err := w.CreateFormFile(parts[i], "file")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(parts[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

// bare is a module without a schema.
func bare() string {
	g := sandboxtest.New("")
	g.Module().Customs = nil
	return string(g.Resolver("Query.a", g.Output("1")).Bytes())
}

// TestStartIsTried uploads modules that could answer no event, over one that does.
func TestStartIsTried(t *testing.T) {
	s := newStage(t)
	serving := s.push(ordersPath+"?activate=true", orders("1"))
	guest := func(initialize bool, code func(g *sandboxtest.Guest) wasmtest.Code) string {
		g := sandboxtest.New("type Order { id: ID! } type Query { order: Order }")
		g.Resolver("Query.order", g.Output("1"))
		if f := g.Function(nil, nil, nil, code(g)); initialize {
			g.ExportFunction(abi.InitializeExport, f)
		} else {
			g.Start(f)
		}
		return string(g.Bytes())
	}
	traps := guest(false, func(g *sandboxtest.Guest) wasmtest.Code {
		return wasmtest.Join(g.Call(abi.ImportLog, wasmtest.I32Const(int32(abi.LogInfo)), g.Text("no settings\x07")), sandboxtest.Trap())
	})
	loops := guest(true, func(*sandboxtest.Guest) wasmtest.Code { return sandboxtest.Forever() })
	p := s.wantProblem(s.do("PUT", ordersPath+"?activate=true", "application/wasm", traps), http.StatusUnprocessableEntity, abi.CodeResolverTrap, "the start function failed after")
	if len(p.Errors) != 2 || !strings.Contains(p.Errors[0].Message, "of 50000000 units of fuel: unreachable") || p.Errors[1].Message != "it logged: no settings\x07" {
		t.Errorf("%+v", p.Errors)
	}
	p = s.wantProblem(s.do("PUT", ordersPath+"?activate=true", "application/wasm", loops), http.StatusUnprocessableEntity, abi.CodeFuelExhausted, "_initialize failed after 50000000 of 50000000 units of fuel")
	if len(p.Errors) != 1 || p.Errors[0].Function != "_initialize" || p.Limit != "" {
		t.Errorf("%+v", p)
	}
	w := s.do("GET", ordersPath, "", "")
	if !strings.Contains(w.Body.String(), fmt.Sprintf(`"active":%q`, serving)) || strings.Count(w.Body.String(), `"digest"`) != 1 {
		t.Errorf("after the refusals: %s", w.Body)
	}
}

// TestUploadsWait has uploads whose compilation does not end: one is under way
// and eight wait, whichever come first.
func TestUploadsWait(t *testing.T) {
	s := newStageOn(t, sandbox.Config{CompileInChild: true})
	ctx, cancel := context.WithCancel(t.Context())
	const underWay = 9
	answers := make(chan *httptest.ResponseRecorder)
	for n := range underWay + 1 {
		go func() {
			r := httptest.NewRequestWithContext(ctx, "PUT", ordersPath, strings.NewReader(orders(fmt.Sprint(n))))
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Content-Type", "application/wasm")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			answers <- w
		}()
	}
	w := <-answers
	s.wantProblem(w, http.StatusTooManyRequests, abi.CodeLimitExceeded, "8 uploads of the tenant are waiting")
	if w.Header().Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	cancel()
	for range underWay {
		s.wantProblem(<-answers, http.StatusServiceUnavailable, abi.CodeInternal, "the request was given up")
	}
}

func TestMultipartUpload(t *testing.T) {
	s := newStage(t)
	const sdl = "type Query { a: Int }"
	contentType, body := form(t, "schema", sdl, "module", bare())
	w := s.do("PUT", ordersPath+"?activate=true", contentType, body)
	if w.Code != http.StatusCreated || !strings.Contains(w.Body.String(), `"Query.a"`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := s.do("GET", "/v1/tenants/acme/schema", "", ""); !strings.Contains(w.Body.String(), "a: Int") {
		t.Errorf("the schema is %s", w.Body)
	}
	if w := s.do("PUT", ordersPath, contentType, body); w.Code != http.StatusOK {
		t.Errorf("the same parts again: %d %s", w.Code, w.Body)
	}
	contentType, body = form(t, "module", orders("1"))
	if w := s.do("PUT", ordersPath, contentType, body); w.Code != http.StatusCreated {
		t.Errorf("a module alone: %d %s", w.Code, w.Body)
	}
}

func TestMultipartRefuses(t *testing.T) {
	s := newStage(t)
	s.limit(`{"moduleBytes":2048,"schemaBytes":1024}`)
	for _, test := range []struct {
		parts  []string
		status int
		code   abi.Code
		part   string
	}{
		{[]string{"module", orders("1"), "schema", "type Query { a: Int }"}, 422, abi.CodeBadUserInput, "send one of them"},
		{[]string{"schema", "type Query { a: Int }"}, 400, abi.CodeBadUserInput, `part "module" is missing`},
		{nil, 400, abi.CodeBadUserInput, `part "module" is missing`},
		{[]string{"module", "", "module", ""}, 400, abi.CodeBadUserInput, `several parts "module"`},
		{[]string{"module", "", "config", "{}"}, 400, abi.CodeBadUserInput, `unknown part "config"; there are module and schema`},
		{[]string{"module", "nonsense", "schema", ""}, 422, abi.CodeBadUserInput, "not a WebAssembly module"},
		{[]string{"module", bare(), "schema", "type Query {\n a: Nope }"}, 422, abi.CodeValidationFailed, "Nope"},
		{[]string{"module", strings.Repeat("x", 2049)}, 413, abi.CodeLimitExceeded, "the module has more than 2048 bytes"},
		{[]string{"module", "", "schema", strings.Repeat("x", 1025)}, 413, abi.CodeLimitExceeded, "the schema has more than 1024 bytes"},
		{[]string{"module", "", "schema", "", strings.Repeat("x", 20<<10), ""}, 413, abi.CodeLimitExceeded, "the module has more"},
	} {
		contentType, body := form(t, test.parts...)
		s.wantProblem(s.do("PUT", ordersPath, contentType, body), test.status, test.code, test.part)
	}
	contentType, body := form(t, "module", bare())
	s.wantProblem(s.do("PUT", ordersPath, contentType, body[:len(body)-30]), 400, abi.CodeBadUserInput, "broke off")
	s.wantProblem(s.do("PUT", ordersPath, "multipart/form-data", body), 400, abi.CodeBadUserInput, "")
	encoded := strings.Replace(body, "Content-Type:", "Content-Encoding: gzip\r\nContent-Type:", 1)
	s.wantProblem(s.do("PUT", ordersPath, contentType, encoded), 415, abi.CodeBadUserInput, "Content-Encoding")
}

// TestAModuleThatDoesNotServe has the store lose what a module is made of before
// it is read.
func TestAModuleThatDoesNotServe(t *testing.T) {
	s := newStage(t)
	err := s.store.Update(t.Context(), "", func(tx store.Tx) error {
		return errors.Join(
			tx.Put(store.Modules, "acme", "orders", []byte(`{"active":"sha256:00","versions":[{"digest":"sha256:00"}]}`)),
			tx.Put(store.Modules, "acme", "/revision", []byte(`"1"`)))
	})
	if err != nil {
		t.Fatal(err)
	}
	if w := s.do("GET", ordersPath, "", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"problem":"the store does not have the module's bytes`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	s.push(ordersPath+"?activate=true", orders("1"))
	if w := s.do("GET", ordersPath, "", ""); strings.Contains(w.Body.String(), "problem") {
		t.Errorf("%s", w.Body)
	}
}

func TestModulesWithoutAStore(t *testing.T) {
	s := newStage(t)
	s.push(ordersPath+"?activate=true", orders("1"))
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	s.wantProblem(s.do("PUT", ordersPath, "application/wasm", orders("2")), http.StatusServiceUnavailable, abi.CodeInternal, "the store")
	s.wantProblem(s.do("DELETE", ordersPath, "", ""), http.StatusServiceUnavailable, abi.CodeInternal, "the store")
	if w := s.do("GET", ordersPath, "", ""); w.Code != http.StatusOK {
		t.Errorf("what is in memory is not shown: %d %s", w.Code, w.Body)
	}
}
