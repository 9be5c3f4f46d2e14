package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// oracle executes an operation as the specification says it, word for word and
// over decoded values. It shares nothing with plans, projectors and jsondoc.
type oracle struct {
	schema    *ast.Schema
	document  *ast.QueryDocument
	variables map[string]bool
	permitted map[string]bool
	listItems int
	results   []Result // of the root fields to come
	errors    []string // "path code line:column…"
}

func (o *oracle) execute() string {
	root := o.schema.Types["Query"]
	data, ok := o.selectionSet(root, []ast.SelectionSet{o.document.Operations[0].SelectionSet}, nil, "", true)
	if !ok {
		return "null"
	}
	return data
}

// collect is CollectFields.
func (o *oracle) collect(object *ast.Definition, set ast.SelectionSet, visited map[string]bool, keys *[]string, groups map[string][]*ast.Field) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if !o.included(s.Directives) {
				continue
			}
			if groups[s.Alias] == nil {
				*keys = append(*keys, s.Alias)
			}
			groups[s.Alias] = append(groups[s.Alias], s)
		case *ast.FragmentSpread:
			if !o.included(s.Directives) || visited[s.Name] {
				continue
			}
			visited[s.Name] = true
			fragment := o.document.Fragments.ForName(s.Name)
			if o.applies(object, fragment.TypeCondition) {
				o.collect(object, fragment.SelectionSet, visited, keys, groups)
			}
		case *ast.InlineFragment:
			if o.included(s.Directives) && (s.TypeCondition == "" || o.applies(object, s.TypeCondition)) {
				o.collect(object, s.SelectionSet, visited, keys, groups)
			}
		}
	}
}

func (o *oracle) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		value := d.Arguments.ForName("if").Value
		truth := value.Raw == "true"
		if value.Kind == ast.Variable {
			truth = o.variables[value.Raw]
		}
		if truth != (d.Name == "include") {
			return false
		}
	}
	return true
}

func (o *oracle) applies(object *ast.Definition, condition string) bool {
	if object.Name == condition || slices.Contains(object.Interfaces, condition) {
		return true
	}
	return slices.Contains(o.schema.Types[condition].Types, object.Name)
}

func (o *oracle) selectionSet(def *ast.Definition, sets []ast.SelectionSet, value object, path string, root bool) (string, bool) {
	var keys []string
	groups := map[string][]*ast.Field{}
	visited := map[string]bool{}
	for _, set := range sets {
		o.collect(def, set, visited, &keys, groups)
	}
	var members []string
	for _, key := range keys {
		text, ok := o.field(def, groups[key], value, path+"/"+key, root)
		if !ok {
			return "", false
		}
		members = append(members, strconv.Quote(key)+":"+text)
	}
	return "{" + strings.Join(members, ",") + "}", true
}

func (o *oracle) field(parent *ast.Definition, nodes []*ast.Field, data object, path string, root bool) (string, bool) {
	if nodes[0].Name == "__typename" {
		return strconv.Quote(parent.Name), true
	}
	def := parent.Fields.ForName(nodes[0].Name)
	if !root && !o.mayRead(parent, def) {
		return o.fail(def.Type, nodes, path, "FORBIDDEN")
	}
	if !root {
		return o.complete(def.Type, nodes, data.member(def.Name), path)
	}
	result := o.results[0]
	o.results = o.results[1:]
	switch {
	case result.Err != nil:
		return o.fail(def.Type, nodes, path, string(result.Err.Code))
	case len(result.Output) == 0:
		return o.complete(def.Type, nodes, nil, path)
	}
	value, ok := decodeOutput(string(result.Output))
	if !ok {
		return o.fail(def.Type, nodes, path, "BAD_OUTPUT")
	}
	return o.complete(def.Type, nodes, value, path)
}

func (o *oracle) mayRead(object *ast.Definition, def *ast.FieldDefinition) bool {
	for _, name := range append([]string{object.Name}, object.Interfaces...) {
		f := o.schema.Types[name].Fields.ForName(def.Name)
		if f == nil {
			continue
		}
		for _, d := range f.Directives.ForNames("requires") {
			if !o.permitted[d.Arguments.ForName("permission").Value.Raw] {
				return false
			}
		}
	}
	return true
}

func (o *oracle) fail(t *ast.Type, nodes []*ast.Field, path, code string) (string, bool) {
	var at []string
	for _, n := range nodes {
		at = append(at, fmt.Sprintf(" %d:%d", n.Position.Line, n.Position.Column))
	}
	slices.Sort(at)
	o.errors = append(o.errors, path+" "+code+strings.Join(at, ""))
	return "null", !t.NonNull
}

// reported are the errors that a response has.
func (o *oracle) reported() []string {
	if len(o.errors) <= maxErrors {
		return o.errors
	}
	rest := fmt.Sprintf("%d more errors are left out BAD_OUTPUT", len(o.errors)-maxErrors)
	return append(o.errors[:maxErrors:maxErrors], rest)
}

// complete is CompleteValue.
func (o *oracle) complete(t *ast.Type, nodes []*ast.Field, value any, path string) (string, bool) {
	if value == nil {
		if t.NonNull {
			return o.fail(t, nodes, path, "BAD_OUTPUT")
		}
		return "null", true
	}
	if t.Elem != nil {
		list, ok := value.([]any)
		if !ok {
			return o.fail(t, nodes, path, "BAD_OUTPUT")
		}
		if len(list) > o.listItems {
			return o.fail(t, nodes, path, "LIMIT_EXCEEDED")
		}
		var items []string
		for i, item := range list {
			text, ok := o.complete(t.Elem, nodes, item, fmt.Sprintf("%s/%d", path, i))
			if !ok {
				return "null", !t.NonNull
			}
			items = append(items, text)
		}
		return "[" + strings.Join(items, ",") + "]", true
	}
	def := o.schema.Types[t.NamedType]
	if def.Kind == ast.Scalar || def.Kind == ast.Enum {
		text, ok := leafOf(def, value)
		if !ok {
			return o.fail(t, nodes, path, "BAD_OUTPUT")
		}
		return text, true
	}
	members, ok := value.(object)
	if !ok {
		return o.fail(t, nodes, path, "BAD_OUTPUT")
	}
	if def.Kind != ast.Object {
		name, _ := members.member("__typename").(string)
		concrete := o.schema.Types[name]
		if concrete == nil || concrete.Kind != ast.Object || !o.applies(concrete, def.Name) {
			return o.fail(t, nodes, path, "BAD_OUTPUT")
		}
		def = concrete
	}
	var sets []ast.SelectionSet
	for _, n := range nodes {
		sets = append(sets, n.SelectionSet)
	}
	text, ok := o.selectionSet(def, sets, members, path, false)
	if !ok {
		return "null", !t.NonNull
	}
	return text, true
}

func leafOf(def *ast.Definition, value any) (string, bool) {
	number, isNumber := value.(json.Number)
	text, isString := value.(string)
	_, isBoolean := value.(bool)
	encoded := encode(value)
	f, err := strconv.ParseFloat(string(number), 64)
	// TestDifferential holds these against graphql-js.
	if value == true || value == false {
		digit := map[any]string{true: "1", false: "0"}[value]
		switch def.Name {
		case "Int", "Float":
			return digit, true
		case "String":
			return `"` + encoded + `"`, true
		}
	}
	if isString && (def.Name == "Int" || def.Name == "Float") {
		n, numeric := numberOf(text)
		return string(appendFloat(nil, n)), numeric && (def.Name == "Float" || n == math.Trunc(n) && n >= math.MinInt32 && n <= math.MaxInt32)
	}
	if isNumber && (def.Name == "ID" || def.Name == "String") {
		text, ok := appendNumberText([]byte(`"`), []byte(number), def.Name == "ID")
		return string(text) + `"`, ok
	}
	switch {
	case def.Kind == ast.Enum:
		return encoded, isString && def.EnumValues.ForName(text) != nil
	case isNumber && def.Name == "Boolean":
		return strconv.FormatBool(f != 0), err == nil
	case def.Name == "Int":
		return strconv.FormatInt(int64(f), 10), isNumber && err == nil && f == math.Trunc(f) && f >= math.MinInt32 && f <= math.MaxInt32
	case def.Name == "Float":
		return string(number), isNumber && err == nil
	case def.Name == "String":
		return encoded, isString
	case def.Name == "Boolean":
		return encoded, isBoolean
	case def.Name == "ID":
		return encoded, isString
	}
	return encoded, true
}

// tokens decodes JSON keeping the order of members.
func tokens(text []byte) string {
	var b strings.Builder
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return b.String()
		}
		fmt.Fprintf(&b, "%T %v\n", token, token)
	}
}
