package graph

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/runnel-dev/runnel/abi"
)

const deprecatedDirective = "deprecated"

func parsePredeclared() *ast.SchemaDocument {
	doc, err := parser.ParseSchema(predeclaredSource)
	if err != nil {
		panic("the predeclared directives do not parse: " + err.Error())
	}
	return doc
}

// checkNames reports what a single module must not do, whatever the others do.
func (c *composer) checkNames(m *module) {
	for _, s := range append(m.doc.Schema, m.doc.SchemaExtension...) {
		c.report(s.Position, "a schema block is not allowed: root types are named Query, Mutation and Subscription")
	}
	for _, d := range m.doc.DirectiveExtensions {
		c.report(d.Position, "directive extensions are not supported")
	}
	for _, d := range m.doc.Directives {
		c.checkName(d.Position, d.Name)
		c.checkArguments("@"+d.Name, d.Arguments)
	}
	for _, def := range append(m.doc.Definitions[:len(m.doc.Definitions):len(m.doc.Definitions)], m.doc.Extensions...) {
		c.checkName(def.Position, def.Name)
		c.checkMembers(def)
		if isRoot(def.Name) && def.Kind != ast.Object {
			c.report(def.Position, "root type %s must be an object type, not %s", def.Name, kindName(def.Kind))
		}
	}
}

func (c *composer) checkMembers(def *ast.Definition) {
	if len(def.Fields)+len(def.EnumValues)+len(def.Types)+len(def.Interfaces) > maxMembers {
		c.report(def.Position, "%s has more than %d members", def.Name, maxMembers)
	}
	seen := make(map[string]bool, len(def.Fields))
	for _, f := range def.Fields {
		c.checkName(f.Position, f.Name)
		c.checkArguments(def.Name+"."+f.Name, f.Arguments)
		if seen[f.Name] {
			c.report(f.Position, "%s.%s is declared twice", def.Name, f.Name)
		}
		seen[f.Name] = true
	}
	seen = make(map[string]bool, len(def.EnumValues))
	for _, v := range def.EnumValues {
		c.checkName(v.Position, v.Name)
		if seen[v.Name] {
			c.report(v.Position, "%s.%s is declared twice", def.Name, v.Name)
		}
		seen[v.Name] = true
	}
}

func (c *composer) checkArguments(owner string, args ast.ArgumentDefinitionList) {
	if len(args) > maxMembers {
		c.report(args[0].Position, "%s has more than %d arguments", owner, maxMembers)
	}
	seen := make(map[string]bool, len(args))
	for _, a := range args {
		c.checkName(a.Position, a.Name)
		if seen[a.Name] {
			c.report(a.Position, "argument %s of %s is declared twice", a.Name, owner)
		}
		seen[a.Name] = true
	}
}

func (c *composer) checkName(at *ast.Position, name string) {
	if strings.HasPrefix(name, abi.ReservedPrefix) {
		c.report(at, "name %s begins with %s, which is reserved", name, abi.ReservedPrefix)
	}
	if strings.HasPrefix(name, "__") {
		c.report(at, "name %s begins with __, which is reserved by GraphQL introspection", name)
	}
}

// checkReferences reports every name of the merged schema that stands for
// nothing, or for a thing of the wrong kind. gqlparser's own rules expect that
// members of unions exist, and stop at the first problem.
func (c *composer) checkReferences() {
	for _, d := range c.order {
		def := d.def
		if len(def.Fields)+len(def.EnumValues)+len(def.Types) > maxMembers {
			c.report(def.Position, "%s has more than %d members with its extensions", def.Name, maxMembers)
		}
		c.checkUses(def.Directives)
		for _, v := range def.EnumValues {
			c.checkUses(v.Directives)
		}
		for _, f := range def.Fields {
			c.checkUses(f.Directives)
			c.checkType(f.Type, def.Kind == ast.InputObject)
			c.checkArgumentReferences(def.Name+"."+f.Name, f.Arguments)
			if def.Kind == ast.InputObject && f.Type.NonNull && f.DefaultValue == nil {
				c.checkRequired("input field "+def.Name+"."+f.Name, f.Directives)
			}
		}
		for i, name := range def.Types {
			if t := c.types[name]; t == nil || t.def.Kind != ast.Object {
				c.report(def.TypePositions[i], "union %s can only have object types as members, and %s is none", def.Name, name)
			}
		}
		for _, name := range def.Interfaces {
			if t := c.types[name]; t == nil || t.def.Kind != ast.Interface {
				c.report(def.Position, "%s implements %s, which is no interface", def.Name, name)
			} else {
				c.checkDeprecated(def, t.def)
			}
		}
	}
	for _, d := range c.defined {
		c.checkArgumentReferences("@"+d.Name, d.Arguments)
		c.checkUses(d.Directives)
	}
}

func (c *composer) checkArgumentReferences(owner string, args ast.ArgumentDefinitionList) {
	for _, a := range args {
		c.checkType(a.Type, true)
		c.checkUses(a.Directives)
		if a.Type.NonNull && a.DefaultValue == nil {
			c.checkRequired("argument "+a.Name+" of "+owner, a.Directives)
		}
	}
}

// checkRequired reports that what nobody may leave out is deprecated.
func (c *composer) checkRequired(what string, uses ast.DirectiveList) {
	if d := uses.ForName(deprecatedDirective); d != nil {
		c.report(d.Position, "%s is required, so it cannot be deprecated", what)
	}
}

// checkDeprecated reports fields that are deprecated where their interface has
// them for good.
func (c *composer) checkDeprecated(def, implemented *ast.Definition) {
	for _, f := range def.Fields {
		d, of := f.Directives.ForName(deprecatedDirective), implemented.Fields.ForName(f.Name)
		if d != nil && of != nil && of.Directives.ForName(deprecatedDirective) == nil {
			c.report(d.Position, "%s.%s is deprecated, and %s.%s, which it implements, is not", def.Name, f.Name, implemented.Name, f.Name)
		}
	}
}

func (c *composer) checkType(t *ast.Type, input bool) {
	name := t.Name()
	d := c.types[name]
	switch {
	case d == nil:
		c.report(t.Position, "undefined type %s", name)
	case strings.HasPrefix(name, "__"):
		c.report(t.Position, "type %s belongs to introspection", name)
	case input && !d.def.IsInputType():
		c.report(t.Position, "%s is not an input type", name)
	case !input && d.def.Kind == ast.InputObject:
		c.report(t.Position, "%s is an input type and cannot be the type of a field", name)
	}
}

func (c *composer) checkUses(uses ast.DirectiveList) {
	seen := make(map[string]bool, len(uses))
	for _, u := range uses {
		switch def := c.directives[u.Name]; {
		case def == nil:
			c.report(u.Position, "undefined directive @%s", u.Name)
		case !def.IsRepeatable && seen[u.Name]:
			c.report(u.Position, "directive @%s is not repeatable, and stands here twice", u.Name)
		}
		seen[u.Name] = true
	}
}

// checkValues reports default values and arguments of directives that do not
// fit their types.
func (c *composer) checkValues(s *Schema) {
	for _, d := range c.order {
		c.checkUseValues(s, d.def.Directives)
		for _, v := range d.def.EnumValues {
			c.checkUseValues(s, v.Directives)
		}
		for _, f := range d.def.Fields {
			c.checkUseValues(s, f.Directives)
			if err := s.addFieldDefault(d.def, f); err != nil {
				c.report(err.at, "%s", err.message)
			}
			c.checkArgumentValues(s, d.def.Name+"."+f.Name, f.Arguments)
		}
	}
	for _, d := range s.doc.Directives {
		c.checkArgumentValues(s, "@"+d.Name, d.Arguments)
	}
	for _, name := range []string{"__Type", "__Field", "__Directive"} {
		for _, f := range s.doc.Types[name].Fields {
			c.checkArgumentValues(s, name+"."+f.Name, f.Arguments)
		}
	}
}

func (c *composer) checkArgumentValues(s *Schema, owner string, args ast.ArgumentDefinitionList) {
	for _, a := range args {
		c.checkUseValues(s, a.Directives)
		if err := s.addArgumentDefault(owner, a); err != nil {
			c.report(err.at, "%s", err.message)
		}
	}
}

func (c *composer) checkUseValues(s *Schema, uses ast.DirectiveList) {
	for _, u := range uses {
		for _, a := range u.Arguments {
			def := u.Definition.Arguments.ForName(a.Name)
			if _, err := s.constant(def.Type, a.Value); err != nil {
				c.report(err.at, "argument %s of @%s: %s", a.Name, u.Name, err.message)
			}
		}
	}
}
