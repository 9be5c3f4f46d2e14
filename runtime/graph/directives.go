package graph

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// roots reads Runnel's directives and gives every root field its resolver.
func (c *composer) roots(s *Schema) {
	for _, d := range c.order {
		for _, f := range d.def.Fields {
			if strings.HasPrefix(f.Name, "_") && (f.Name == placeholder || strings.HasPrefix(f.Name, "__")) {
				continue
			}
			requires := c.requires(f)
			if requires != nil {
				s.requires[f] = requires
			}
			if isRoot(d.def.Name) {
				c.root(s, d, f, requires)
				continue
			}
			c.refuseOn(d.def, f)
			if resolved := c.resolved(d, f); resolved.Module != "" && d.def.Kind == ast.Object {
				s.objects[f] = &resolved
			}
		}
	}
	for _, m := range c.modules {
		c.checkExports(m)
	}
}

func (c *composer) root(s *Schema, d *declaration, f *ast.FieldDefinition, requires []string) {
	root := &RootField{ResolvedField: c.resolved(d, f), Requires: requires}
	if root.Module == "" {
		c.report(f.Position, "%s needs a resolver: module %s exports no %q", root.Resolver, moduleNames(d.fields[f.Name]), root.Resolver)
	}
	if d.def.Name == "Subscription" {
		c.channels(root, f)
		c.matches(root, f)
	} else {
		c.refuseOn(d.def, f)
	}
	s.roots[root.Resolver] = root
}

// resolved finds the module that exports a field's resolver; none does where
// Module is empty.
func (c *composer) resolved(d *declaration, f *ast.FieldDefinition) ResolvedField {
	field := ResolvedField{Type: d.def.Name, Name: f.Name, Resolver: d.def.Name + "." + f.Name}
	for _, m := range d.fields[f.Name] {
		switch {
		case !m.exports[field.Resolver]:
		case field.Module != "":
			c.reportExport(m, field.Resolver, "it is exported by module %s and by module %s", field.Module, m.name)
		default:
			field.Module = m.name
		}
	}
	return field
}

func moduleNames(modules []*module) string {
	names := make([]string, len(modules))
	for i, m := range modules {
		names[i] = m.name
	}
	return strings.Join(names, " or ")
}

// checkExports reports resolvers that resolve nothing of their own module.
func (c *composer) checkExports(m *module) {
	for export := range m.exports {
		typeName, field, ok := abi.SplitResolver(export)
		if !ok {
			continue
		}
		d := c.types[typeName]
		if d != nil && d.def.Kind == ast.Interface && d.fields != nil && len(d.fields[field]) > 0 {
			c.reportExport(m, export, "%s is an interface: its fields are resolved by the object types that implement it", typeName)
			continue
		}
		if d == nil || d.fields == nil || d.def.Kind != ast.Object || len(d.fields[field]) == 0 {
			c.reportExport(m, export, "the export names no field of the schema")
			continue
		}
		owns := false
		for _, owner := range d.fields[field] {
			owns = owns || owner == m
		}
		if !owns {
			c.reportExport(m, export, "the field is declared by module %s, not by module %s", moduleNames(d.fields[field]), m.name)
		}
	}
}

// refuseOn reports directives that only Subscription fields may have.
func (c *composer) refuseOn(def *ast.Definition, f *ast.FieldDefinition) {
	for _, u := range f.Directives {
		if u.Name == "on" || u.Name == "match" {
			c.report(u.Position, "@%s is for fields of Subscription, not for %s.%s", u.Name, def.Name, f.Name)
		}
	}
}

func (c *composer) requires(f *ast.FieldDefinition) []string {
	var permissions []string
	for _, u := range f.Directives {
		if u.Name != "requires" {
			continue
		}
		permission, _ := stringArgument(u, "permission")
		if permission == "" {
			c.report(u.Position, "@requires needs a permission that is not empty")
		}
		permissions = append(permissions, permission)
	}
	return permissions
}

func (c *composer) channels(root *RootField, f *ast.FieldDefinition) {
	for _, u := range f.Directives {
		if u.Name != "on" {
			continue
		}
		channel := Channel{}
		channel.Name, _ = stringArgument(u, "channel")
		channel.Initial = rawArgument(u, "initial") == "true"
		if rawArgument(u, "overflow") == "LATEST" {
			channel.Overflow = Latest
		}
		if !abi.ValidChannel(channel.Name) {
			c.report(u.Position, "channel %s is not 1 to 200 of the characters A-Z a-z 0-9 _ . : -", quoted(channel.Name))
		}
		if key, given := stringArgument(u, "key"); given {
			var err error
			if channel.Key, err = splitPath(key); err != nil {
				c.report(u.Position, "key of @on: %v", err)
			}
		}
		for _, earlier := range root.Channels {
			if earlier.Name == channel.Name {
				c.report(u.Position, "%s is on channel %s twice", root.Resolver, channel.Name)
			}
		}
		root.Channels = append(root.Channels, channel)
	}
	if len(root.Channels) == 0 {
		c.report(f.Position, "%s needs an @on that names its channel", root.Resolver)
	}
}

func (c *composer) matches(root *RootField, f *ast.FieldDefinition) {
	for _, u := range f.Directives {
		if u.Name != "match" {
			continue
		}
		if m, err := match(u, f); err != nil {
			c.report(u.Position, "@match of %s: %v", root.Resolver, err)
		} else {
			root.Matches = append(root.Matches, m)
		}
	}
	if len(root.Matches) > maxMatches {
		c.report(f.Position, "%s has more than %d @match", root.Resolver, maxMatches)
	}
}

func match(u *ast.Directive, f *ast.FieldDefinition) (Match, error) {
	path, _ := stringArgument(u, "path")
	steps, err := splitPath(path)
	if err != nil {
		return Match{}, err
	}
	m := Match{Path: steps}
	arg, hasArg := stringArgument(u, "arg")
	claim, hasClaim := stringArgument(u, "claim")
	in, hasIn := stringsArgument(u, "in")
	count := 0
	for _, has := range []bool{hasArg, hasClaim, hasIn} {
		if has {
			count++
		}
	}
	if count != 1 {
		return m, fmt.Errorf("exactly one of arg, claim and in is needed, and %d are given", count)
	}
	switch {
	case hasArg:
		def := f.Arguments.ForName(arg)
		if def == nil {
			return m, fmt.Errorf("the field has no argument %s", quoted(arg))
		}
		if def.Type.Elem != nil {
			return m, fmt.Errorf("argument %s is a list, and only single values are compared", quoted(arg))
		}
		m.Arg, m.ArgIsID = arg, def.Type.NamedType == "ID"
	case hasClaim && claim == "":
		return m, fmt.Errorf("the name of the claim is empty")
	case hasClaim:
		m.Claim = claim
	case len(in) == 0:
		return m, fmt.Errorf("in is empty and would never match")
	default:
		m.In = in
	}
	return m, nil
}

// splitPath splits a path of keys and array indices joined by dots. What looks
// like another path language is refused: it would silently never match.
func splitPath(path string) ([]string, error) {
	steps := strings.Split(path, ".")
	if len(steps) > jsondoc.DefaultMaxDepth {
		return nil, fmt.Errorf("path %s has more than %d steps, and no event nests deeper", quoted(path), jsondoc.DefaultMaxDepth)
	}
	for _, step := range steps {
		if step == "" {
			return nil, fmt.Errorf("path %s has an empty step; a path is keys and array indices joined by dots", quoted(path))
		}
		if step == "$" || strings.ContainsFunc(step, notInPath) {
			return nil, fmt.Errorf("path %s: a path is keys and array indices joined by dots, nothing else", quoted(path))
		}
	}
	return steps, nil
}

func notInPath(r rune) bool {
	return r <= ' ' || r == 0x7F || strings.ContainsRune("[]{}()*?\"'`\\", r)
}

// stringArgument returns a string argument of a directive; null is absent.
func stringArgument(u *ast.Directive, name string) (string, bool) {
	a := u.Arguments.ForName(name)
	if a == nil || a.Value.Kind == ast.NullValue {
		return "", false
	}
	return a.Value.Raw, true
}

// stringsArgument returns a list argument; a single value stands for a list.
func stringsArgument(u *ast.Directive, name string) ([]string, bool) {
	a := u.Arguments.ForName(name)
	if a == nil || a.Value.Kind == ast.NullValue {
		return nil, false
	}
	if a.Value.Kind != ast.ListValue {
		return []string{a.Value.Raw}, true
	}
	values := []string{}
	for _, child := range a.Value.Children {
		values = append(values, child.Value.Raw)
	}
	return values, true
}

func rawArgument(u *ast.Directive, name string) string {
	if a := u.Arguments.ForName(name); a != nil {
		return a.Value.Raw
	}
	return ""
}

// quoted quotes foreign text for a message, cut to a length that fits one.
func quoted(s string) string {
	const most = 100
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return string(jsondoc.AppendQuoted(nil, s))
}
