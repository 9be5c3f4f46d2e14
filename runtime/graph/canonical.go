package graph

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// canonicalType prints a type sorted and without descriptions: two modules
// declare the same type if these are equal.
func canonicalType(def *ast.Definition) string {
	var b strings.Builder
	b.WriteString(string(def.Kind) + " " + def.Name)
	b.WriteString(" implements " + joinSorted(slices.Clone(def.Interfaces)))
	b.WriteString(canonicalUses(def.Directives))
	b.WriteString(" = " + joinSorted(slices.Clone(def.Types)))
	members := make([]string, 0, len(def.Fields)+len(def.EnumValues))
	for _, f := range def.Fields {
		members = append(members, f.Name+canonicalArguments(f.Arguments)+":"+f.Type.String()+
			canonicalDefault(f.DefaultValue)+canonicalUses(f.Directives))
	}
	for _, v := range def.EnumValues {
		members = append(members, v.Name+canonicalUses(v.Directives))
	}
	b.WriteString(" {" + joinSorted(members) + "}")
	return b.String()
}

func canonicalDirective(d *ast.DirectiveDefinition) string {
	locations := make([]string, len(d.Locations))
	for i, l := range d.Locations {
		locations[i] = string(l)
	}
	repeatable := ""
	if d.IsRepeatable {
		repeatable = " repeatable"
	}
	return "@" + d.Name + canonicalArguments(d.Arguments) + repeatable + canonicalUses(d.Directives) + " on " + joinSorted(locations)
}

func canonicalArguments(args ast.ArgumentDefinitionList) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = a.Name + ":" + a.Type.String() + canonicalDefault(a.DefaultValue) + canonicalUses(a.Directives)
	}
	return "(" + joinSorted(parts) + ")"
}

func canonicalUses(uses ast.DirectiveList) string {
	parts := make([]string, len(uses))
	for i, d := range uses {
		args := make([]string, len(d.Arguments))
		for j, a := range d.Arguments {
			args[j] = a.Name + ":" + canonicalValue(a.Value)
		}
		parts[i] = "@" + d.Name + "(" + joinSorted(args) + ")"
	}
	return " " + joinSorted(parts)
}

func canonicalDefault(v *ast.Value) string {
	if v == nil {
		return ""
	}
	return "=" + canonicalValue(v)
}

// canonicalValue sorts the fields of objects; a block string equals the plain
// string of the same content.
func canonicalValue(v *ast.Value) string {
	if v.Kind != ast.ListValue && v.Kind != ast.ObjectValue {
		return v.String()
	}
	parts := make([]string, len(v.Children))
	for i, child := range v.Children {
		parts[i] = child.Name + ":" + canonicalValue(child.Value)
	}
	if v.Kind == ast.ListValue {
		return "[" + strings.Join(parts, ";") + "]"
	}
	return "{" + joinSorted(parts) + "}"
}

// joinSorted sorts parts in place.
func joinSorted(parts []string) string {
	slices.Sort(parts)
	return strings.Join(parts, ";")
}
