package graph

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/runnel-dev/runnel/abi"
)

// declaration is a type of the merged schema and where its parts come from.
type declaration struct {
	def      *ast.Definition // merged; the modules' own documents are left as they are
	declared *ast.Definition // the first declaration, without extensions
	first    *module         // nil where only extensions exist
	fields   map[string][]*module
	values   map[string]*module // enum values
}

// predeclared is what every schema has besides GraphQL's own directives.
const predeclared = `
"Which events reach a Subscription field."
directive @on(channel: String!, initial: Boolean = false, overflow: Overflow = DISCONNECT, key: String) repeatable on FIELD_DEFINITION

"Which of them a subscriber gets: exactly one of arg, claim and in is compared with the payload's value at path."
directive @match(path: String!, arg: String, claim: String, in: [String!]) repeatable on FIELD_DEFINITION

"The permission that a subscriber needs for a field."
directive @requires(permission: String!) repeatable on FIELD_DEFINITION

"What happens to a slow consumer of a Subscription field."
enum Overflow {
  "The socket closes with 1013; clients come back and resume."
  DISCONNECT
  "Only the newest event per key is kept, and the next frame tells how many were skipped."
  LATEST
}
`

// predeclaredSource is BuiltIn, so that no printed schema repeats it.
var predeclaredSource = &ast.Source{Name: "runnel", Input: predeclared, BuiltIn: true}

// predeclare fills the document with what modules may use without declaring.
func (c *composer) predeclare() {
	c.document = validator.PreludeDocument()
	// An operation that asks for @defer must fail, not run as if it had not.
	directives := c.document.Directives[:0]
	for _, d := range c.document.Directives {
		if d.Name != "defer" {
			directives = append(directives, d)
		}
	}
	c.document.Directives = directives
	c.amendPrelude()
	c.document.Merge(parsePredeclared())
	for _, d := range c.document.Directives {
		c.directives[d.Name] = d
	}
	for _, d := range c.document.Definitions {
		c.types[d.Name] = &declaration{def: d, declared: d}
	}
}

// amendPrelude brings gqlparser's prelude to the specification of September 2025.
// Directives that are deprecated are of a later draft.
func (c *composer) amendPrelude() {
	const draft = "DIRECTIVE_DEFINITION"
	for _, def := range c.document.Definitions {
		if def.Name == "__DirectiveLocation" {
			def.EnumValues = slices.DeleteFunc(def.EnumValues, func(v *ast.EnumValueDefinition) bool { return v.Name == draft })
		}
		for _, f := range def.Fields {
			if a := f.Arguments.ForName("includeDeprecated"); a != nil {
				a.Type = ast.NonNullNamedType("Boolean", a.Type.Position)
			}
		}
	}
	deprecated := c.document.Directives.ForName(deprecatedDirective)
	deprecated.Locations = slices.DeleteFunc(deprecated.Locations, func(l ast.DirectiveLocation) bool { return l == draft })
	reason := deprecated.Arguments.ForName("reason")
	reason.Type = ast.NonNullNamedType("String", reason.Type.Position)
}

func (c *composer) mergeAll() {
	for _, m := range c.modules {
		for _, d := range m.doc.Directives {
			c.mergeDirective(d)
		}
		for _, def := range m.doc.Definitions {
			c.mergeType(m, def)
		}
	}
	for _, m := range c.modules {
		for _, ext := range m.doc.Extensions {
			c.mergeExtension(m, ext)
		}
	}
	if c.types["Query"] == nil {
		c.addPlaceholder()
	}
	for _, d := range c.order {
		c.document.Definitions = append(c.document.Definitions, d.def)
	}
	c.document.Directives = append(c.document.Directives, c.defined...)
}

// addPlaceholder gives a schema without queries the one that tools ask for.
func (c *composer) addPlaceholder() {
	src := &ast.Source{Name: "runnel"}
	def := &ast.Definition{
		Kind: ast.Object, Name: "Query", Position: &ast.Position{Src: src},
		Fields: ast.FieldList{{
			Name: placeholder, Type: ast.NonNullNamedType("String", nil), Position: &ast.Position{Src: src},
			Description: "Answers \"runnel\": this schema has no queries.",
		}},
	}
	c.types["Query"] = &declaration{def: def}
	c.order = append(c.order, c.types["Query"])
}

// placeholder is the only field of a Query type that no module declares.
const placeholder = abi.ReservedPrefix

func (c *composer) mergeDirective(d *ast.DirectiveDefinition) {
	earlier := c.directives[d.Name]
	if earlier == nil {
		c.directives[d.Name] = d
		c.defined = append(c.defined, d)
		return
	}
	same := canonicalDirective(earlier) == canonicalDirective(d)
	switch {
	case earlier.Position.Src.Name == d.Position.Src.Name:
		c.report(d.Position, "directive @%s is declared twice", d.Name)
	case same:
	case earlier.Position.Src.BuiltIn:
		c.report(d.Position, "directive @%s is predeclared, and this declaration differs from it", d.Name)
	default:
		c.report(d.Position, "directive @%s differs from its declaration in module %s", d.Name, earlier.Position.Src.Name)
	}
}

func (c *composer) mergeType(m *module, def *ast.Definition) {
	d := c.types[def.Name]
	if d == nil {
		d = &declaration{def: cloneType(def), declared: def, first: m, values: map[string]*module{}}
		d.fields = make(map[string][]*module, len(def.Fields))
		for _, f := range def.Fields {
			d.fields[f.Name] = []*module{m}
		}
		for _, v := range def.EnumValues {
			d.values[v.Name] = m
		}
		c.types[def.Name] = d
		c.order = append(c.order, d)
		return
	}
	same := canonicalType(d.declared) == canonicalType(def)
	switch {
	case d.first == nil && !same:
		c.report(def.Position, "type %s is predeclared, and this declaration differs from it", def.Name)
	case d.first == nil:
		if def.Name != "Overflow" {
			c.report(def.Position, "type %s is built in", def.Name)
		}
	case d.first == m:
		c.report(def.Position, "type %s is declared twice", def.Name)
	case !same:
		c.report(def.Position, "type %s differs from its declaration in module %s; declare both equally, or use \"extend\" in one of them", def.Name, d.first.name)
	default:
		for _, f := range def.Fields {
			d.fields[f.Name] = append(d.fields[f.Name], m)
		}
	}
}

func (c *composer) mergeExtension(m *module, ext *ast.Definition) {
	d := c.types[ext.Name]
	switch {
	case d == nil && isRoot(ext.Name) && ext.Kind == ast.Object:
		// Modules are activated one by one: each may extend a root type.
		d = &declaration{
			def:    &ast.Definition{Kind: ast.Object, Name: ext.Name, Position: ext.Position},
			fields: map[string][]*module{},
		}
		c.types[ext.Name] = d
		c.order = append(c.order, d)
	case d == nil:
		c.report(ext.Position, "cannot extend %s, which no module declares", ext.Name)
		return
	case d.fields == nil:
		c.report(ext.Position, "cannot extend %s, which is built in", ext.Name)
		return
	case d.def.Kind != ext.Kind:
		c.report(ext.Position, "cannot extend %s as %s: it is declared as %s", ext.Name, kindName(ext.Kind), kindName(d.def.Kind))
		return
	}
	def := d.def
	def.Directives = append(def.Directives, ext.Directives...)
	def.Interfaces = append(def.Interfaces, ext.Interfaces...)
	def.Types = append(def.Types, ext.Types...)
	def.TypePositions = append(def.TypePositions, ext.TypePositions...)
	for _, f := range ext.Fields {
		if c.claimed(m, f.Position, ext.Name, f.Name, d.fields[f.Name]) {
			continue
		}
		d.fields[f.Name] = append(d.fields[f.Name], m)
		def.Fields = append(def.Fields, f)
	}
	for _, v := range ext.EnumValues {
		if owner := d.values[v.Name]; owner != nil && c.claimed(m, v.Position, ext.Name, v.Name, []*module{owner}) {
			continue
		}
		d.values[v.Name] = m
		def.EnumValues = append(def.EnumValues, v)
	}
}

// claimed reports a field or value that somebody has declared before.
func (c *composer) claimed(m *module, at *ast.Position, typeName, name string, owners []*module) bool {
	switch {
	case len(owners) == 0:
		return false
	case owners[0] == m:
		c.report(at, "%s.%s is declared twice", typeName, name)
	default:
		c.report(at, "%s.%s is declared by module %s and by module %s", typeName, name, owners[0].name, m.name)
	}
	return true
}

// cloneType copies what extensions append to.
func cloneType(def *ast.Definition) *ast.Definition {
	clone := *def
	clone.Directives = append(ast.DirectiveList(nil), def.Directives...)
	clone.Interfaces = append([]string(nil), def.Interfaces...)
	clone.Fields = append(ast.FieldList(nil), def.Fields...)
	clone.Types = append([]string(nil), def.Types...)
	clone.TypePositions = append([]*ast.Position(nil), def.TypePositions...)
	clone.EnumValues = append(ast.EnumValueList(nil), def.EnumValues...)
	return &clone
}

func isRoot(name string) bool {
	return name == "Query" || name == "Mutation" || name == "Subscription"
}

func kindName(k ast.DefinitionKind) string {
	switch k {
	case ast.Object:
		return "type"
	case ast.InputObject:
		return "input"
	}
	return strings.ToLower(string(k))
}
