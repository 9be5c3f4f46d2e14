package admin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3gen"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/admin/admintest"
	"github.com/runnel-dev/runnel/runtime/goldentest"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

const openAPIFile = "openapi.json"

// TestOpenAPI generates the document and holds it against the file.
func TestOpenAPI(t *testing.T) {
	document := newDocument(t)
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document.T); err != nil {
		t.Fatal(err)
	}
	goldentest.File(t, openAPIFile, got.String())
	if _, err := admintest.Load(got.Bytes()); err != nil {
		t.Error(err)
	}
}

// document is an OpenAPI document that is being made.
type document struct {
	*openapi3.T
	t *testing.T
}

func newDocument(t *testing.T) *document {
	d := &document{t: t, T: &openapi3.T{
		OpenAPI: "3.0.3",
		Info: &openapi3.Info{
			Title: "Runnel", Version: "v1",
			Description: "Tenants, their modules and keys, and events. A request carries the admin token or, where its security says so, a key of the tenant, as a bearer token. Every error is a problem of RFC 9457.",
		},
		Paths: openapi3.NewPaths(),
		Components: &openapi3.Components{
			Schemas:   openapi3.Schemas{},
			Responses: openapi3.ResponseBodies{},
			SecuritySchemes: openapi3.SecuritySchemes{
				"adminToken": {Value: openapi3.NewSecurityScheme().WithType("http").WithScheme("bearer").WithDescription("The server's admin token.")},
				"key":        {Value: openapi3.NewSecurityScheme().WithType("http").WithScheme("bearer").WithDescription("An API key of the tenant.")},
			},
		},
	}}
	d.Components.Schemas["Problem"] = openapi3.NewSchemaRef("", d.problemSchema())
	d.Components.Schemas["Limits"] = openapi3.NewSchemaRef("", limitsSchema(false))
	d.Components.Schemas["LimitsChange"] = openapi3.NewSchemaRef("", limitsSchema(true))
	for _, r := range admin.Routes() {
		d.AddOperation(r.Path, r.Method, d.operation(r))
	}
	return d
}

func (d *document) operation(r admin.RouteInfo) *openapi3.Operation {
	o := openapi3.NewOperation()
	o.Summary = r.Summary
	o.OperationID = strings.ToLower(r.Method) + strings.NewReplacer("/v1", "", "{", "", "}", "", "/", "_").Replace(r.Path)
	for _, segment := range strings.Split(r.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			o.AddParameter(openapi3.NewPathParameter(strings.TrimSuffix(name, "}")).WithSchema(openapi3.NewStringSchema()))
		}
	}
	for _, q := range r.Query {
		o.AddParameter(openapi3.NewQueryParameter(q.Name).WithDescription(q.Summary).WithSchema(openapi3.NewSchema().WithTypes(q.Kind)))
	}
	if r.Bodies != nil {
		body := openapi3.NewRequestBody().WithRequired(true)
		body.Content = openapi3.Content{}
		for _, b := range r.Bodies {
			body.Content[b.Media] = openapi3.NewMediaType().WithSchemaRef(d.schema(b))
		}
		o.RequestBody = &openapi3.RequestBodyRef{Value: body}
	}
	o.Responses = openapi3.NewResponses()
	o.Responses.Delete("default")
	for _, a := range r.Answers {
		response := o.Responses.Status(a.Status)
		if response == nil {
			response = &openapi3.ResponseRef{Value: openapi3.NewResponse().WithDescription(http.StatusText(a.Status))}
			o.Responses.Set(strconv.Itoa(a.Status), response)
		}
		if a.Media != "" {
			media, _, _ := strings.Cut(a.Media, ";")
			if response.Value.Content == nil {
				response.Value.Content = openapi3.Content{}
			}
			response.Value.Content[media] = openapi3.NewMediaType().WithSchemaRef(d.schema(a))
		}
	}
	for _, status := range refusals(r) {
		o.Responses.Set(strconv.Itoa(status), d.refusal(status))
	}
	security := openapi3.NewSecurityRequirements().With(openapi3.NewSecurityRequirement().Authenticate("adminToken"))
	if r.Scopes != nil {
		security.With(openapi3.NewSecurityRequirement().Authenticate("key"))
		o.Description = "The key needs the scope " + strings.Trim(strings.ReplaceAll(fmt.Sprint(r.Scopes), " ", " or "), "[]") + "."
	}
	o.Security = security
	return o
}

// refusal is the answer of a status that carries a problem.
func (d *document) refusal(status int) *openapi3.ResponseRef {
	name := strings.ReplaceAll(http.StatusText(status), " ", "")
	response := openapi3.NewResponse().WithDescription(http.StatusText(status))
	response.Content = openapi3.Content{problem.ContentType: openapi3.NewMediaType().WithSchemaRef(openapi3.NewSchemaRef("#/components/schemas/Problem", nil))}
	d.Components.Responses[name] = &openapi3.ResponseRef{Value: response}
	return &openapi3.ResponseRef{Ref: "#/components/responses/" + name}
}

// refusals are the statuses that a route refuses with.
func refusals(r admin.RouteInfo) []int {
	all := append([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusUnsupportedMediaType, http.StatusServiceUnavailable}, r.Refuses...)
	if strings.Contains(r.Path, "{tenant}") {
		all = append(all, http.StatusForbidden, http.StatusNotFound)
	}
	if r.Bodies != nil {
		all = append(all, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests)
	}
	return all
}

// schema is that of a body. What is no JSON is a string of bytes.
func (d *document) schema(b admin.BodyInfo) *openapi3.SchemaRef {
	if b.Example == nil {
		return openapi3.NewStringSchema().WithFormat("binary").NewRef()
	}
	ref, err := openapi3gen.NewSchemaRefForValue(b.Example, nil, openapi3gen.SchemaCustomizer(customize))
	if err != nil {
		d.t.Fatalf("%T: %v", b.Example, err)
	}
	referLimits(ref.Value)
	return ref
}

// referLimits has what a schema says of limits stand in the components alone.
func referLimits(schema *openapi3.Schema) {
	for name, property := range schema.Properties {
		switch {
		case name == "limits" && property.Value.Required != nil:
			schema.Properties[name] = openapi3.NewSchemaRef("#/components/schemas/Limits", nil)
		case name == "limits" && property.Value.Properties != nil:
			schema.Properties[name] = openapi3.NewSchemaRef("#/components/schemas/LimitsChange", nil)
		case property.Value.Items != nil:
			referLimits(property.Value.Items.Value)
		}
	}
}

// customize says of a schema what the Go type alone does not.
func customize(name string, t reflect.Type, _ reflect.StructTag, schema *openapi3.Schema) error {
	switch {
	case t == reflect.TypeFor[json.RawMessage](): // any value, null as well
		schema.Nullable = true
	case t == reflect.TypeFor[tenant.Limits]():
		*schema = *limitsSchema(false)
	case t.Kind() == reflect.Map && t.Name() == "limitsRequest":
		*schema = *limitsSchema(true)
	case t == reflect.TypeFor[tenant.Scope]():
		for _, s := range tenant.Scopes() {
			schema.Enum = append(schema.Enum, string(s))
		}
	case t.Kind() == reflect.Struct:
		for _, field := range reflect.VisibleFields(t) {
			if tag, ok := field.Tag.Lookup("json"); ok && !strings.Contains(tag, ",omitempty") {
				schema.Required = append(schema.Required, tag)
			}
		}
		schema.WithoutAdditionalProperties()
		if t.Name() == "cloudEventRequest" { // others are extensions, and null stands for none
			schema.WithAnyAdditionalProperties()
			for name, attribute := range schema.Properties {
				attribute.Value.Nullable = !slices.Contains(schema.Required, name)
			}
		}
	case t.Kind() == reflect.Pointer:
		schema.Nullable = true
	case name == "algorithm":
		for _, algorithm := range tenant.Algorithms() {
			schema.Enum = append(schema.Enum, algorithm)
		}
	case name == "mode":
		schema.Enum = []any{"required", "anonymous"}
	case name == "created" || name == "time" || name == "before":
		schema.Format = "date-time"
	}
	return nil
}

// limitsSchema lists all limits. A request may leave them out, and null stands
// for the default.
func limitsSchema(request bool) *openapi3.Schema {
	schema := openapi3.NewObjectSchema().WithoutAdditionalProperties()
	for _, l := range tenant.Definitions() {
		one := openapi3.NewInt64Schema().WithMin(float64(l.Min)).WithMax(float64(l.Max))
		one.Description = l.Scope + ", in " + l.Unit + "; over it, " + l.Over
		if request {
			one.Nullable = true
			one.Default = float64(l.Default)
		} else {
			schema.Required = append(schema.Required, l.Name)
		}
		schema.WithProperty(l.Name, one)
	}
	return schema
}

func (d *document) problemSchema() *openapi3.Schema {
	codes := openapi3.NewStringSchema()
	for _, c := range abi.Codes() {
		codes.Enum = append(codes.Enum, string(c))
	}
	errors := d.schema(admin.BodyInfo{Example: problem.Error{}})
	return openapi3.NewObjectSchema().WithoutAdditionalProperties().
		WithProperty("type", openapi3.NewStringSchema()).
		WithProperty("title", openapi3.NewStringSchema()).
		WithProperty("status", openapi3.NewIntegerSchema()).
		WithProperty("code", codes).
		WithProperty("limit", openapi3.NewStringSchema()).
		WithProperty("errors", openapi3.NewArraySchema().WithItems(errors.Value)).
		WithRequired([]string{"type", "title", "status", "code", "errors"})
}

// documented is the document of the file.
var documented = sync.OnceValues(func() (*admintest.Document, error) {
	data, err := os.ReadFile(openAPIFile)
	if err != nil {
		return nil, err
	}
	return admintest.Load(data)
})

// conform holds an answer against the document, whatever test asked for it.
func conform(t testing.TB, r *http.Request, status int, header http.Header, body []byte) {
	t.Helper()
	document, err := documented()
	if err == nil {
		err = document.Check(r, status, header, body)
	}
	if err != nil {
		t.Error(err)
	}
}
