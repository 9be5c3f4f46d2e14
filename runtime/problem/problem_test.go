package problem_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
)

func TestAppend(t *testing.T) {
	for name, test := range map[string]struct {
		p    problem.Problem
		want string
	}{
		"empty": {
			problem.Problem{},
			`{"type":"about:blank","title":"Internal Server Error","status":500,"code":"INTERNAL","errors":[]}`,
		},
		"messages": {
			problem.New(http.StatusNotFound, abi.CodeBadUserInput, "no tenant <x>", "ü\xff\n"),
			`{"type":"about:blank","title":"Not Found","status":404,"code":"BAD_USER_INPUT",` +
				`"errors":[{"message":"no tenant <x>"},{"message":"ü\ufffd\n"}]}`,
		},
		"places": {
			problem.Problem{
				Type: "t", Title: "module refused", Status: 422, Code: abi.CodeLimitExceeded, Limit: "moduleBytes",
				Errors: []problem.Error{
					{Message: "a", Function: "f", Offset: new(0)},
					{Message: "b", Line: 3, Column: 7},
				},
			},
			`{"type":"t","title":"module refused","status":422,"code":"LIMIT_EXCEEDED","limit":"moduleBytes",` +
				`"errors":[{"message":"a","function":"f","offset":0},{"message":"b","line":3,"column":7}]}`,
		},
	} {
		if got := string(test.p.Append([]byte("x"))); got != "x"+test.want+"\n" {
			t.Errorf("%s:\n got %s\nwant %s", name, got, test.want)
		}
	}
}

func TestWrite(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Allow", "GET")
	p := problem.New(http.StatusMethodNotAllowed, abi.CodeBadUserInput, "no")
	problem.Write(w, p)
	if w.Code != 405 || w.Body.String() != string(p.Append(nil)) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	for key, want := range map[string]string{
		"Content-Type": "application/problem+json", "Allow": "GET", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if got := w.Header().Get(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

func TestIsAnError(t *testing.T) {
	var err error = problem.New(400, abi.CodeBadUserInput, "first", "second")
	if err.Error() != "first" {
		t.Errorf("Error() = %q", err)
	}
	if err = (problem.Problem{Status: 404}); err.Error() != "Not Found" {
		t.Errorf("Error() = %q", err)
	}
}
