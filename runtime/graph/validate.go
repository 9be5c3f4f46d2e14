package graph

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/runnel-dev/runnel/abi"
)

// foreignRules are the rules for all documents.
var foreignRules = listRules(rules.NewDefaultRules())

// discreetRules are foreignRules without suggestions.
var discreetRules = func() []core.Rule {
	set := rules.NewDefaultRules()
	set.ReplaceRule(rules.FieldsOnCorrectTypeRule.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc)
	set.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	set.ReplaceRule(rules.ScalarLeafsRule.Name, rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc)
	set.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	return listRules(set)
}()

// listRules lists gqlparser's rules but for two: OverlappingFieldsCanBeMerged
// is quadratic in the selections and in its own messages, and
// SingleFieldSubscriptions takes two aliases of one field for one field. The
// suggestions of KnownTypeNames come in the order of a map.
func listRules(set *rules.Rules) []core.Rule {
	set.RemoveRule(rules.OverlappingFieldsCanBeMergedRule.Name)
	set.RemoveRule(rules.SingleFieldSubscriptionsRule.Name)
	set.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	var list []core.Rule
	for name, rule := range set.GetInner() {
		list = append(list, core.Rule{Name: name, RuleFunc: rule})
	}
	slices.SortFunc(list, func(a, b core.Rule) int { return cmp.Compare(a.Name, b.Name) })
	return append(list, core.Rule{Name: "IntRange", RuleFunc: intRange})
}

// enough ends a validation that has found enough errors.
type enough struct{}

// validate applies all rules. What it returns is not nil where the document
// is invalid.
func (s *Schema) validate(doc *ast.QueryDocument, l Limits) Errors {
	if err := checkShape(doc, l); err != nil {
		return Errors{err}
	}
	list := foreignRules
	if l.NoIntrospection {
		list = discreetRules
	}
	if errs := s.applyForeign(doc, list); errs != nil {
		return errs
	}
	var errs Errors
	if l.NoIntrospection {
		errs = introspects(doc)
	}
	for _, op := range doc.Operations {
		o := overlap{schema: s}
		errs = append(errs, o.check(op)...)
		if op.Operation == ast.Subscription {
			errs = append(errs, singleField(op)...)
		}
	}
	if len(errs) > maxErrors {
		errs = errs[:maxErrors]
	}
	return errs
}

// checkShape counts selections before rules walk them, and refuses variables
// of fragments, which gqlparser reads and then ignores.
func checkShape(doc *ast.QueryDocument, l Limits) *Error {
	count := 0
	for _, op := range doc.Operations {
		count += countSelections(op.SelectionSet)
	}
	for _, f := range doc.Fragments {
		count += countSelections(f.SelectionSet)
		if len(f.VariableDefinition) > 0 {
			return &Error{
				Message: "fragments have no variables of their own", Code: abi.CodeParseFailed,
				Locations: []Location{locationOf(f.VariableDefinition[0].Position)},
			}
		}
	}
	if count > l.QueryFields {
		return limitError("queryFields", "the operation has %d selections, over the limit of %d", count, l.QueryFields)
	}
	return nil
}

func countSelections(set ast.SelectionSet) int {
	count := len(set)
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			count += countSelections(s.SelectionSet)
		case *ast.InlineFragment:
			count += countSelections(s.SelectionSet)
		}
	}
	return count
}

// applyForeign runs gqlparser's rules until they have found enough. A panic in
// them is answered as an internal error: it must not take the server down for
// all tenants.
func (s *Schema) applyForeign(doc *ast.QueryDocument, list []core.Rule) (errs Errors) {
	defer func() {
		switch recover().(type) {
		case nil, enough:
		default:
			errs = Errors{{Message: "the operation cannot be validated", Code: abi.CodeInternal}}
		}
	}()
	events := &core.Events{}
	add := func(options ...core.ErrorOption) {
		var foreign gqlerror.Error
		for _, o := range options {
			o(&foreign)
		}
		errs = append(errs, &Error{
			Message: foreign.Message, Locations: locations(foreign.Locations), Code: abi.CodeValidationFailed,
		})
		if len(errs) == maxErrors {
			panic(enough{})
		}
	}
	for _, r := range list {
		r.RuleFunc(events, add)
	}
	core.Walk(s.doc, doc, events)
	return errs
}

// intRange refuses Int literals beyond 32 bits, which gqlparser lets pass.
func intRange(events *core.Events, add core.AddErrFunc) {
	events.OnValue(func(_ *core.Walker, v *ast.Value) {
		if v.Kind != ast.IntValue || v.Definition == nil || v.Definition.Name != "Int" {
			return
		}
		if _, err := strconv.ParseInt(v.Raw, 10, 32); err != nil {
			add(core.Message("Int cannot represent non 32-bit signed integer value: %s", show(v)), core.At(v.Position))
		}
	})
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

// singleField holds subscriptions to one root field, counted by response key.
func singleField(op *ast.OperationDefinition) Errors {
	name := "Anonymous Subscription"
	if op.Name != "" {
		name = `Subscription "` + op.Name + `"`
	}
	var errs Errors
	seen := map[string]bool{}
	walkFields(op.SelectionSet, map[string]bool{}, func(f *ast.Field) {
		if len(seen) > 0 && !seen[f.Alias] {
			errs = append(errs, invalid(f.Position, "%s must select only one top level field.", name))
		}
		seen[f.Alias] = true
		if len(f.Name) > 1 && f.Name[:2] == "__" {
			errs = append(errs, invalid(f.Position, "%s must not select an introspection top level field.", name))
		}
	})
	return errs
}

// walkFields visits the fields of one level, through fragments.
func walkFields(set ast.SelectionSet, visited map[string]bool, visit func(*ast.Field)) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			visit(s)
		case *ast.InlineFragment:
			walkFields(s.SelectionSet, visited, visit)
		case *ast.FragmentSpread:
			if !visited[s.Name] {
				visited[s.Name] = true
				walkFields(s.Definition.SelectionSet, visited, visit)
			}
		}
	}
}
