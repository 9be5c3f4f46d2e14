package graph

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// introspect describes a schema. Types and directives are sorted by name.
func introspect(schema *ast.Schema) *introspection {
	d := describer{schema: schema}
	names := slices.Sorted(maps.Keys(schema.Types))
	d.object(func() {
		d.list("types", len(names), func(i int) { d.typeInFull(schema.Types[names[i]]) })
		d.reference("queryType", schema.Query)
		d.reference("mutationType", schema.Mutation)
		d.reference("subscriptionType", schema.Subscription)
		directives := slices.Sorted(maps.Keys(schema.Directives))
		d.list("directives", len(directives), func(i int) { d.directive(schema.Directives[directives[i]]) })
	})
	m := &introspection{types: make(map[string]uint32, len(names))}
	if err := m.doc.Parse(d.text, jsondoc.Options{MaxDepth: 2 * maxNesting}); err != nil {
		panic("the introspection of a valid schema is not JSON: " + err.Error())
	}
	types, _ := m.doc.Member(0, "types")
	n := types + 1
	for _, name := range names {
		m.types[name] = n
		n = m.doc.Nodes[n].Next
	}
	return m
}

// describer appends JSON. Every value that is begun begins with its comma.
type describer struct {
	schema *ast.Schema
	text   []byte
}

func (d *describer) comma() {
	if n := len(d.text); n > 0 && d.text[n-1] != '{' && d.text[n-1] != '[' && d.text[n-1] != ':' {
		d.text = append(d.text, ',')
	}
}

func (d *describer) key(name string) {
	d.comma()
	d.text = append(jsondoc.AppendQuoted(d.text, name), ':')
}

func (d *describer) object(members func()) {
	d.comma()
	d.text = append(d.text, '{')
	members()
	d.text = append(d.text, '}')
}

func (d *describer) list(key string, count int, element func(int)) {
	d.key(key)
	d.text = append(d.text, '[')
	for i := range count {
		element(i)
	}
	d.text = append(d.text, ']')
}

func (d *describer) value(s string) {
	d.comma()
	d.text = jsondoc.AppendQuoted(d.text, s)
}

func (d *describer) member(key, value string) {
	d.key(key)
	d.text = jsondoc.AppendQuoted(d.text, value)
}

func (d *describer) boolean(key string, value bool) {
	d.key(key)
	if value {
		d.text = append(d.text, "true"...)
	} else {
		d.text = append(d.text, "false"...)
	}
}

// named begins most descriptions. An absent member is null.
func (d *describer) named(name, description string) {
	d.member("name", name)
	if description != "" {
		d.member("description", description)
	}
}

func (d *describer) reference(key string, def *ast.Definition) {
	if def != nil {
		d.member(key, def.Name)
	}
}

func (d *describer) typeInFull(def *ast.Definition) {
	d.object(func() {
		d.member("kind", string(def.Kind))
		d.named(def.Name, def.Description)
		switch def.Kind {
		case ast.Scalar:
			if u := def.Directives.ForName("specifiedBy"); u != nil {
				url, _ := stringArgument(u, "url")
				d.member("specifiedByURL", url)
			}
		case ast.Object:
			d.fields(def)
			d.list("interfaces", len(def.Interfaces), func(i int) { d.value(def.Interfaces[i]) })
		case ast.Interface:
			d.fields(def)
			d.list("interfaces", len(def.Interfaces), func(i int) { d.value(def.Interfaces[i]) })
			d.possibleTypes(def)
		case ast.Union:
			d.possibleTypes(def)
		case ast.Enum:
			d.list("enumValues", len(def.EnumValues), func(i int) {
				v := def.EnumValues[i]
				d.object(func() {
					d.named(v.Name, v.Description)
					d.deprecation(v.Directives)
				})
			})
		case ast.InputObject:
			d.list("inputFields", len(def.Fields), func(i int) {
				f := def.Fields[i]
				d.inputValue(f.Name, f.Description, f.Type, f.DefaultValue, f.Directives)
			})
			d.boolean("isOneOf", isOneOf(def))
		}
	})
}

func (d *describer) fields(def *ast.Definition) {
	var visible ast.FieldList
	for _, f := range def.Fields {
		if len(f.Name) < 2 || f.Name[:2] != "__" {
			visible = append(visible, f)
		}
	}
	d.list("fields", len(visible), func(i int) {
		f := visible[i]
		d.object(func() {
			d.named(f.Name, f.Description)
			d.arguments(f.Arguments)
			d.key("type")
			d.typeRef(f.Type)
			d.deprecation(f.Directives)
		})
	})
}

func (d *describer) possibleTypes(def *ast.Definition) {
	var types []*ast.Definition
	for _, t := range d.schema.PossibleTypes[def.Name] {
		if t.Kind == ast.Object {
			types = append(types, t)
		}
	}
	d.list("possibleTypes", len(types), func(i int) { d.value(types[i].Name) })
}

func (d *describer) arguments(args ast.ArgumentDefinitionList) {
	d.list("args", len(args), func(i int) {
		a := args[i]
		d.inputValue(a.Name, a.Description, a.Type, a.DefaultValue, a.Directives)
	})
}

func (d *describer) inputValue(name, description string, t *ast.Type, value *ast.Value, uses ast.DirectiveList) {
	d.object(func() {
		d.named(name, description)
		d.key("type")
		d.typeRef(t)
		if value != nil {
			d.member("defaultValue", printValue(value))
		}
		d.deprecation(uses)
	})
}

// printValue prints a literal as graphql-js does, with spaces.
func printValue(v *ast.Value) string {
	parts := make([]string, len(v.Children))
	for i, child := range v.Children {
		parts[i] = printValue(child.Value)
		if v.Kind == ast.ObjectValue {
			parts[i] = child.Name + ": " + parts[i]
		}
	}
	switch {
	case v.Kind == ast.ListValue:
		return printParts("[", parts, "]")
	case v.Kind == ast.ObjectValue: // "{  }" where it is empty
		return printParts("{ ", parts, " }")
	case v.Kind == ast.StringValue:
		return string(jsondoc.AppendQuoted(nil, v.Raw))
	}
	return v.String()
}

// maxPrinted is the length of a line from which on values stand on lines of
// their own.
const maxPrinted = 80

func printParts(opening string, parts []string, closing string) string {
	line := opening + strings.Join(parts, ", ") + closing
	if len(utf16.Encode([]rune(line))) <= maxPrinted { // as JavaScript measures it
		return line
	}
	lines := strings.ReplaceAll("\n"+strings.Join(parts, "\n"), "\n", "\n  ")
	return strings.TrimSpace(opening) + lines + "\n" + strings.TrimSpace(closing)
}

func (d *describer) deprecation(uses ast.DirectiveList) {
	u := uses.ForName(deprecatedDirective)
	d.boolean("isDeprecated", u != nil)
	if u == nil {
		return
	}
	reason, given := stringArgument(u, "reason")
	if !given {
		reason = "No longer supported"
	}
	d.member("deprecationReason", reason)
}

func (d *describer) directive(def *ast.DirectiveDefinition) {
	d.object(func() {
		d.named(def.Name, def.Description)
		d.boolean("isRepeatable", def.IsRepeatable)
		d.list("locations", len(def.Locations), func(i int) { d.value(string(def.Locations[i])) })
		d.arguments(def.Arguments)
	})
}

// typeRef describes the wrappers of a type, and refers to the type by name.
func (d *describer) typeRef(t *ast.Type) {
	switch {
	case t.NonNull:
		inner := *t
		inner.NonNull = false
		d.wrapper("NON_NULL", &inner)
	case t.Elem != nil:
		d.wrapper("LIST", t.Elem)
	default:
		d.text = jsondoc.AppendQuoted(d.text, t.NamedType)
	}
}

func (d *describer) wrapper(kind string, inner *ast.Type) {
	d.object(func() {
		d.member("kind", kind)
		d.key("ofType")
		d.typeRef(inner)
	})
}
