// Package admintest holds answers of the admin API against its OpenAPI
// document, and makes requests of it at random. It is for tests.
package admintest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Document is an OpenAPI document.
type Document struct {
	document *openapi3.T
	routes   []route // by path and method
}

type route struct {
	method, path string
	operation    *openapi3.Operation
}

// Load reads a document and checks it.
func Load(data []byte) (*Document, error) {
	loaded, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("load the document: %w", err)
	}
	if err := loaded.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("the document is not valid: %w", err)
	}
	d := &Document{document: loaded}
	for path, item := range loaded.Paths.Map() {
		for method, operation := range item.Operations() {
			d.routes = append(d.routes, route{method, path, operation})
		}
	}
	slices.SortFunc(d.routes, func(a, b route) int { return strings.Compare(a.path+" "+a.method, b.path+" "+b.method) })
	return d, nil
}

// Check holds an answer against the document: its status must be there with its
// media type, and a JSON body must fit the schema. What is at no path of the document, and
// under a method that the path does not have, is not its business.
func (d *Document) Check(r *http.Request, status int, header http.Header, body []byte) error {
	operation := d.find(r)
	if operation == nil {
		return nil
	}
	at := fmt.Sprintf("%s %s: %d", r.Method, r.URL.Path, status)
	response := operation.Responses.Status(status)
	if response == nil {
		return fmt.Errorf("%s is not documented: %s", at, body)
	}
	media, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	content := response.Value.Content[media]
	if content == nil {
		if media != "" || len(response.Value.Content) > 0 {
			return fmt.Errorf("%s with Content-Type %q is not documented", at, media)
		}
		return nil
	}
	if !strings.HasSuffix(media, "json") {
		return nil
	}
	if content.Schema.Value.Type == nil { // any JSON, with numbers that Go has no type for
		if !json.Valid(body) {
			return fmt.Errorf("%s is no JSON: %s", at, body)
		}
		return nil
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if err := content.Schema.Value.VisitJSON(value); err != nil {
		return fmt.Errorf("%s is not as documented: %w", at, err)
	}
	return nil
}

// Operations returns the ids of all operations.
func (d *Document) Operations() (ids []string) {
	for _, one := range d.routes {
		ids = append(ids, one.operation.OperationID)
	}
	return ids
}

// Operation returns the id of the operation that a request is for, or "".
func (d *Document) Operation(r *http.Request) string {
	if operation := d.find(r); operation != nil {
		return operation.OperationID
	}
	return ""
}

func (d *Document) find(r *http.Request) *openapi3.Operation {
	got := strings.Split(r.URL.EscapedPath(), "/")
	for _, one := range d.routes {
		fits := slices.EqualFunc(strings.Split(one.path, "/"), got, func(want, got string) bool {
			return want == got || strings.HasPrefix(want, "{") && got != ""
		})
		if fits && one.method == r.Method {
			return one.operation
		}
	}
	return nil
}
