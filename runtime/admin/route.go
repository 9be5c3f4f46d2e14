package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// call is a request with what its path names.
type call struct {
	*http.Request
	params map[string]string
	route  *route
	tenant *tenant.Tenant // where the path names one
	actor  string         // who asks: "admin", "key:<id>", or "dev"
	target string         // what was made, where the path does not name it; for the audit log
}

type serve func(*handler, http.ResponseWriter, *call) error

// route is one row of the table of routes, in routes.go.
type route struct {
	method string
	path   string         // a segment in braces takes any one segment
	scopes []tenant.Scope // a key with one of them may come this way; nil where the admin token alone may
	query  []parameter    // those that the route knows
	serve  serve

	// What the OpenAPI document says of it besides.
	summary string
	bodies  []body // that it takes, one of them; nil where it takes none
	answers []body // of each status that means success
	refuses []int  // the statuses of refusals, besides those that all such routes have
}

// parameter is one of the query.
type parameter struct {
	name, kind, summary string // kind is a type of JSON Schema
}

// body is the body of a request or an answer.
type body struct {
	status  int    // of an answer
	media   string // empty where an answer has no body
	example any    // a value of the Go type that encodes to it; nil where it is no JSON
}

// name is how logs and the audit log call a route.
func (r *route) name() string { return r.method + " " + r.path }

// match finds the route of a request. allowed are the methods that the path is
// there under, where it is not under this one.
func match(r *http.Request) (found *route, c *call, allowed []string) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for i := range routes {
		params, ok := matchPath(routes[i].path, r.URL.EscapedPath())
		if !ok {
			continue
		}
		if routes[i].method == method {
			return &routes[i], &call{Request: r, params: params, route: &routes[i]}, nil
		}
		allowed = append(allowed, routes[i].method)
	}
	return nil, nil, allowed
}

// missing is the answer where a request has no route. A path that is there under
// other methods gives 405 with the header Allow.
func missing(w http.ResponseWriter, allowed []string) error {
	if allowed == nil {
		return notFound("there is nothing at this path")
	}
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return problem.New(http.StatusMethodNotAllowed, abi.CodeBadUserInput,
		fmt.Sprintf("this path takes %s", strings.Join(allowed, ", ")))
}

// matchPath holds a path, as it was sent, against a route's. Segments are never
// empty, and no name that is valid has an escape.
func matchPath(pattern, path string) (map[string]string, bool) {
	if strings.Count(pattern, "/") != strings.Count(path, "/") {
		return nil, false
	}
	params := make(map[string]string)
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	for i := range want {
		if name, ok := strings.CutPrefix(want[i], "{"); ok && got[i] != "" {
			params[strings.TrimSuffix(name, "}")] = got[i]
		} else if want[i] != got[i] {
			return nil, false
		}
	}
	return params, true
}

// checkQuery refuses parameters that the route does not know: a misspelt one
// would else be taken for its absence.
func checkQuery(r *http.Request, parameters []parameter) error {
	known := make([]string, len(parameters))
	for i, p := range parameters {
		known[i] = p.name
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("the query cannot be read: " + err.Error())
	}
	for name, values := range query {
		if !slices.Contains(known, name) {
			return badRequest(fmt.Sprintf("unknown query parameter %q%s", cut(name), knownNames(known)))
		}
		if len(values) > 1 {
			return badRequest(fmt.Sprintf("query parameter %s is given %d times", name, len(values)))
		}
	}
	return nil
}

func knownNames(known []string) string {
	if len(known) == 0 {
		return "; this route takes none"
	}
	return "; this route takes " + strings.Join(known, ", ")
}
