package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

const configPath = ordersPath + "/config"

func TestConfig(t *testing.T) {
	s := newStage(t)
	for _, request := range []string{"GET", "DELETE", "PUT"} {
		s.wantProblem(s.do(request, configPath, "application/json", "1"), http.StatusNotFound, abi.CodeBadUserInput, "no module orders")
	}
	s.push(ordersPath+"?activate=true", orders("1"))
	s.wantProblem(s.do("GET", configPath, "", ""), http.StatusNotFound, abi.CodeBadUserInput, "module orders has no config")
	if w := s.do("GET", ordersPath, "", ""); !strings.Contains(w.Body.String(), `"config":null`) {
		t.Errorf("%s", w.Body)
	}
	for range 2 {
		if w := s.do("PUT", configPath, "application/json; charset=utf-8", `{"greeting":  "hi"}`); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	s.want(s.do("GET", configPath, "", ""), http.StatusOK, `{"greeting":  "hi"}`)
	if w := s.do("GET", ordersPath, "", ""); !strings.Contains(w.Body.String(), `"config":"sha256:`) {
		t.Errorf("%s", w.Body)
	}
	for range 2 {
		if w := s.do("DELETE", configPath, "", ""); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	s.wantProblem(s.do("GET", configPath, "", ""), http.StatusNotFound, abi.CodeBadUserInput, "module orders has no config")
}

func TestConfigsThatAreRefused(t *testing.T) {
	s := newStage(t)
	s.push(ordersPath+"?activate=true", orders("1"))
	s.limit(`{"configBytes":8}`)
	p := s.wantProblem(s.do("PUT", configPath, "application/json", "{\n 1}"), http.StatusBadRequest, abi.CodeBadUserInput, "expected a key in quotes")
	if e := p.Errors[0]; len(p.Errors) != 1 || e.Offset == nil || *e.Offset != 3 || e.Line != 2 || e.Column != 2 {
		t.Errorf("%+v", p.Errors)
	}
	p = s.wantProblem(s.do("PUT", configPath, "application/json", `"1234567"`), http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "more than 8 bytes")
	if p.Limit != "configBytes" {
		t.Errorf("limit %q", p.Limit)
	}
	s.wantProblem(s.do("PUT", configPath, "text/plain", "1"), http.StatusUnsupportedMediaType, abi.CodeBadUserInput, "application/json")
	s.wantProblem(s.do("PUT", configPath, "", "1"), http.StatusUnsupportedMediaType, abi.CodeBadUserInput, "application/json")
	s.wantProblem(s.do("POST", configPath, "application/json", "1"), http.StatusMethodNotAllowed, abi.CodeBadUserInput, "DELETE, GET, HEAD, PUT")
}

// TestConfigThatDoesNotStart has the answer say what the module said.
func TestConfigThatDoesNotStart(t *testing.T) {
	s := newStage(t)
	g := sandboxtest.New("type Query { order: String }")
	g.Resolver("Query.order", g.Output("null"))
	g.ExportFunction(abi.InitializeExport, g.Function(nil, nil, nil,
		g.Call(abi.ImportInput, wasmtest.I32Const(int32(abi.InputConfig)), sandboxtest.Range(sandboxtest.Buffer, sandboxtest.BufferBytes)),
		wasmtest.I32Const(2), wasmtest.Op(wasm.OpI32Eq),
		wasmtest.If(wasmtest.Result(), g.Call(abi.ImportLog, wasmtest.I32Const(int32(abi.LogError)), g.Text("no greeting")), sandboxtest.Trap())))
	s.push(ordersPath+"?activate=true", string(g.Bytes()))
	if w := s.do("PUT", configPath, "application/json", "1"); w.Code != http.StatusNoContent {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	p := s.wantProblem(s.do("PUT", configPath, "application/json", "{}"), http.StatusUnprocessableEntity, abi.CodeResolverTrap, "_initialize failed after")
	if len(p.Errors) != 2 || p.Errors[0].Function != abi.InitializeExport || p.Errors[1].Message != "it logged: no greeting" {
		t.Errorf("%+v", p.Errors)
	}
	s.want(s.do("GET", configPath, "", ""), http.StatusOK, "1")
}
