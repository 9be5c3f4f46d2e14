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
	tenant *tenant.Tenant // where the path names one
}

type serve func(*handler, http.ResponseWriter, *call) error

// route is one row of the table of routes.
type route struct {
	method string
	path   string   // a segment in braces takes any one segment
	query  []string // the parameters that the route knows
	serve  serve
}

// routes is all that there is below /v1.
var routes = []route{
	{"POST", "/v1/tenants", nil, (*handler).createTenant},
	{"GET", "/v1/tenants", nil, (*handler).listTenants},
	{"GET", "/v1/tenants/{tenant}", nil, (*handler).getTenant},
	{"PATCH", "/v1/tenants/{tenant}", nil, (*handler).patchTenant},
	{"DELETE", "/v1/tenants/{tenant}", nil, (*handler).deleteTenant},
	{"GET", "/v1/tenants/{tenant}/modules", nil, (*handler).listModules},
	{"PUT", "/v1/tenants/{tenant}/modules/{module}", []string{"activate"}, (*handler).putModule},
	{"GET", "/v1/tenants/{tenant}/modules/{module}", nil, (*handler).getModule},
	{"DELETE", "/v1/tenants/{tenant}/modules/{module}", nil, (*handler).deleteModule},
	{"POST", "/v1/tenants/{tenant}/modules/{module}/activate", nil, (*handler).activateModule},
	{"POST", "/v1/tenants/{tenant}/modules/{module}/rollback", nil, (*handler).rollbackModule},
	{"GET", "/v1/tenants/{tenant}/schema", nil, (*handler).getSchema},
	{"POST", "/v1/tenants/{tenant}/events", nil, (*handler).publishEvents},
}

// match finds the route of a request. A path that is there under other methods
// gives 405 with the header Allow.
func match(w http.ResponseWriter, r *http.Request) (*route, *call, error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var allowed []string
	for i := range routes {
		params, ok := matchPath(routes[i].path, r.URL.EscapedPath())
		if !ok {
			continue
		}
		if routes[i].method == method {
			return &routes[i], &call{Request: r, params: params}, nil
		}
		allowed = append(allowed, routes[i].method)
	}
	if allowed == nil {
		return nil, nil, notFound("there is nothing at this path")
	}
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return nil, nil, problem.New(http.StatusMethodNotAllowed, abi.CodeBadUserInput,
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
func checkQuery(r *http.Request, known []string) error {
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
