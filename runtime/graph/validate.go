package graph

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"

	"github.com/runnel-dev/runnel/abi"
)

// validate applies the limits and then the rules of the specification's section
// "Validation". What it returns is not nil where the document is invalid. It
// fills in what the tree of gqlparser leaves to a validator: the definitions of
// fields and of spread fragments.
//
// gqlparser's own rules are not used: its walker enters every fragment again
// from every other, so that 18 KB of them took 130 ms, and its rules differ from
// the specification where TestDifferential found them out. Here every
// definition is walked once.
func (s *Schema) validate(doc *ast.QueryDocument, l Limits) Errors {
	v := &validation{schema: s, doc: doc, fragments: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)), discreet: l.NoIntrospection}
	for _, f := range doc.Fragments {
		v.fragments[f.Name] = f
	}
	cyclic := v.cycles()
	if err := v.checkLimits(l, cyclic); err != nil {
		return Errors{err}
	}
	v.operations()
	for _, f := range doc.Fragments {
		v.fragment(f)
	}
	v.references()
	if v.errs == nil && l.NoIntrospection {
		v.errs = introspects(doc)
	}
	if v.errs != nil {
		return v.errs
	}
	o := overlap{schema: s}
	for _, op := range doc.Operations {
		if errs := o.check(op); errs != nil {
			return errs
		}
		if op.Operation == ast.Subscription {
			v.singleField(op)
		}
	}
	return v.errs
}

// validation is one document on its way through the rules.
type validation struct {
	schema    *Schema
	doc       *ast.QueryDocument
	fragments map[string]*ast.FragmentDefinition
	uses      map[*ast.FragmentDefinition]*uses
	current   *uses // of the definition that is walked
	roots     []*uses
	depths    introspectionDepths
	suggested int
	discreet  bool // nothing of the schema is suggested
	errs      Errors
}

// uses is what one definition refers to.
type uses struct {
	spreads   []*ast.FragmentDefinition
	variables []variableUse
}

// variableUse is a variable where a value is expected.
type variableUse struct {
	value      *ast.Value
	typ        *ast.Type // nil where any will do
	hasDefault bool      // of the place
	oneOf      string    // the type whose only key it is the value of
}

// full tells that there are errors enough, so that none needs to be made.
func (v *validation) full() bool { return len(v.errs) >= maxErrors }

func (v *validation) report(at *ast.Position, format string, args ...any) {
	if !v.full() {
		v.errs = append(v.errs, invalid(at, format, args...))
	}
}

// Suggestions of one document, and names among which one is looked for.
const (
	maxSuggestions = 5
	maxSuggested   = 200
	maxNameLength  = 100
)

// suggestion ends a message with names that are like a wrong one. It is bounded:
// the distance of two names costs the product of their lengths.
func (v *validation) suggestion(name string, options []string) string {
	if v.full() || v.discreet || v.suggested == maxSuggestions || len(options) > maxSuggested || len(name) > maxNameLength {
		return ""
	}
	v.suggested++
	names := core.SuggestionList(name, options)
	if len(names) == 0 {
		return ""
	}
	return " Did you mean " + core.QuotedOrList(names[:min(len(names), 5)]...) + "?"
}

func (v *validation) operations() {
	seen := make(map[string]bool, len(v.doc.Operations))
	for _, op := range v.doc.Operations {
		if op.Name == "" && len(v.doc.Operations) > 1 {
			v.report(op.Position, "This anonymous operation must be the only defined operation.")
		}
		if op.Name != "" && seen[op.Name] {
			v.report(op.Position, `There can be only one operation named "%s".`, op.Name)
		}
		seen[op.Name] = true
		v.operation(op)
	}
}

func (v *validation) operation(op *ast.OperationDefinition) {
	v.current = &uses{}
	v.roots = append(v.roots, v.current)
	kind := kindOf(op)
	root := v.schema.doc.Types[kind.typeName()]
	if root == nil {
		v.report(op.Position, `Schema does not support operation type "%s"`, kind)
	}
	seen := make(map[string]bool, len(op.VariableDefinitions))
	for _, def := range op.VariableDefinitions {
		if seen[def.Variable] {
			v.report(def.Position, `There can be only one variable named "$%s".`, def.Variable)
		}
		seen[def.Variable] = true
		v.variableDefinition(def)
	}
	v.directives(op.Directives, ast.DirectiveLocation(strings.ToUpper(kind.String())))
	v.set(root, op.SelectionSet)
}

func (v *validation) variableDefinition(def *ast.VariableDefinition) {
	name := def.Type.Name()
	typ := v.schema.doc.Types[name]
	switch {
	case typ == nil:
		v.report(def.Position, `Unknown type "%s".`, name)
	case !typ.IsInputType():
		v.report(def.Position, `Variable "$%s" cannot be non-input type "%s".`, def.Variable, def.Type)
	case def.DefaultValue != nil:
		v.value(inputPlace{typ: def.Type}, def.DefaultValue)
	}
	v.directives(def.Directives, ast.LocationVariableDefinition)
}

func (v *validation) fragment(f *ast.FragmentDefinition) {
	if v.fragments[f.Name] != f {
		v.report(f.Position, `There can be only one fragment named "%s".`, f.Name)
	}
	v.current = &uses{}
	if v.uses == nil {
		v.uses = make(map[*ast.FragmentDefinition]*uses, len(v.doc.Fragments))
	}
	v.uses[f] = v.current
	typ := v.schema.doc.Types[f.TypeCondition]
	switch {
	case typ == nil:
		v.report(f.Position, `Unknown type "%s".`, f.TypeCondition)
	case !typ.IsCompositeType():
		v.report(f.Position, `Fragment "%s" cannot condition on non composite type "%s".`, f.Name, f.TypeCondition)
	}
	v.directives(f.Directives, ast.LocationFragmentDefinition)
	v.set(typ, f.SelectionSet)
}

// singleField holds a subscription to one root field, counted by response key,
// that no variable can leave out.
func (v *validation) singleField(op *ast.OperationDefinition) {
	name := "Anonymous Subscription"
	if op.Name != "" {
		name = `Subscription "` + op.Name + `"`
	}
	seen := map[string]bool{}
	visited := map[string]bool{}
	conditional := func(directives ast.DirectiveList) {
		for _, d := range directives {
			if d.Name == "skip" || d.Name == "include" {
				v.report(d.Position, "%s must not use `@skip` or `@include` directives in the top level selection.", name)
			}
		}
	}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				conditional(s.Directives)
				if len(seen) > 0 && !seen[s.Alias] {
					v.report(s.Position, "%s must select only one top level field.", name)
				}
				seen[s.Alias] = true
				if strings.HasPrefix(s.Name, "__") {
					v.report(s.Position, "%s must not select an introspection top level field.", name)
				}
			case *ast.InlineFragment:
				conditional(s.Directives)
				walk(s.SelectionSet)
			case *ast.FragmentSpread:
				conditional(s.Directives)
				if !visited[s.Name] {
					visited[s.Name] = true
					walk(s.Definition.SelectionSet)
				}
			}
		}
	}
	walk(op.SelectionSet)
}

// constantDirectives refuses variables in the directives of variable
// definitions, which gqlparser lets pass: the grammar has none there.
func constantDirectives(op *ast.OperationDefinition) *Error {
	for _, def := range op.VariableDefinitions {
		for _, d := range def.Directives {
			for _, a := range d.Arguments {
				if at := variableInside(a.Value); at != nil {
					return &Error{Message: `Unexpected variable in a constant value.`, Code: abi.CodeParseFailed, Locations: []Location{locationOf(at)}}
				}
			}
		}
	}
	return nil
}

func variableInside(value *ast.Value) *ast.Position {
	if value.Kind == ast.Variable {
		return value.Position
	}
	for _, child := range value.Children {
		if at := variableInside(child.Value); at != nil {
			return at
		}
	}
	return nil
}

// introspects refuses every field whose type belongs to introspection, with the
// message of graphql-js. The document has been validated: fields are defined.
func introspects(doc *ast.QueryDocument) (errs Errors) {
	var walk func(set ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				if strings.HasPrefix(s.Definition.Type.Name(), "__") && len(errs) < maxErrors {
					errs = append(errs, invalid(s.Position, "GraphQL introspection has been disabled, but the requested query contained the field %q.", s.Name))
				}
				walk(s.SelectionSet)
			case *ast.InlineFragment:
				walk(s.SelectionSet)
			}
		}
	}
	for _, op := range doc.Operations {
		walk(op.SelectionSet)
	}
	for _, f := range doc.Fragments {
		walk(f.SelectionSet)
	}
	return errs
}
