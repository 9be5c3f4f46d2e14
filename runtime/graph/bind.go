package graph

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"

	"github.com/runnel-dev/runnel/abi"
)

// Operation is a plan with variables and permissions. It is immutable and safe
// for concurrent use.
type Operation struct {
	plan      *Plan
	variables [][]byte // coerced, by index; nil where a variable has no value
	active    [][]*field
	denied    []bool         // by field id; nil where nothing is
	failed    map[int]*Error // by field id: what is wrong with its arguments
	broken    map[int]*Error // by selection id: what is wrong with its conditions
	roots     []Root
	listItems int
	key       string
}

// Root is a root field that needs a run.
type Root struct {
	ResponseKey string
	Field       *RootField
	Arguments   Arguments
}

// Plan returns the plan that the operation was bound from.
func (o *Operation) Plan() *Plan { return o.plan }

// Roots returns the root fields that need a run, in response order. Fields
// that the schema answers itself are not among them. The caller must not
// change the slice.
func (o *Operation) Roots() []Root { return o.roots }

// ProjectionKey returns what, together with the plan, decides the projected
// bytes of equal results.
func (o *Operation) ProjectionKey() string { return o.key }

// Shared returns a subscription without what is its own: the arguments of its
// root field, and the variables that only they take. What is left follows from
// the plan and the projection key, so one serves all that agree in these.
func (o *Operation) Shared() *Operation {
	shared := *o
	shared.variables = make([][]byte, len(o.variables))
	for _, v := range o.plan.keyed {
		shared.variables[v] = bytes.Clone(o.variables[v])
	}
	shared.roots = make([]Root, len(o.roots))
	for i, root := range o.roots {
		shared.roots[i] = Root{ResponseKey: root.ResponseKey, Field: root.Field}
	}
	return &shared
}

// Bind gives a plan the values of its variables, a JSON object, null or empty,
// and the answers to its permissions. permitted is called during Bind alone;
// nil permits nothing. Variables are not kept. An operation whose root field
// the subscriber has no permission for is refused with FORBIDDEN.
func (p *Plan) Bind(variables []byte, permitted func(permission string) bool, l Limits) (*Operation, Errors) {
	l = l.withDefaults()
	if permitted == nil {
		permitted = func(string) bool { return false }
	}
	var made struct { // in one piece, since most operations have one root
		Operation
		one [1]Root
	}
	made.Operation = Operation{plan: p, listItems: l.ListItems, roots: made.one[:0]}
	o := &made.Operation
	b := binding{plan: p, budget: maxInputBytes}
	var errs Errors
	if o.variables, errs = p.coerce(variables, l, &b); errs != nil {
		return nil, errs
	}
	b.variables = o.variables
	o.decide()
	if err := o.checkArguments(&b); err != nil {
		return nil, Errors{err}
	}
	if errs := o.permit(permitted); errs != nil {
		return nil, errs
	}
	if errs := o.bindRoots(&b); errs != nil {
		return nil, errs
	}
	o.key = o.projectionKey(permitted)
	return o, nil
}

// decide evaluates @skip and @include.
func (o *Operation) decide() {
	if !o.plan.dynamic {
		return
	}
	truth := o.truth()
	o.active = make([][]*field, len(o.plan.selections))
	for _, s := range o.plan.selections {
		if !s.dynamic {
			continue
		}
		o.active[s.id] = s.chosen(truth)
		for _, c := range s.checks {
			if !isBoolean(o.variables[c.variable]) && c.conditions.hold(truth) {
				o.breakSelection(s, &c)
				break
			}
		}
	}
}

// breakSelection notes an error that stands for a whole selection.
func (o *Operation) breakSelection(s *selection, c *check) {
	if o.broken == nil {
		o.broken = map[int]*Error{}
	}
	o.active[s.id] = nil
	o.broken[s.id] = &Error{
		Message:   fmt.Sprintf(`Argument "if" of non-null type "Boolean!" must not be null, and variable "$%s" is.`, o.plan.variables[c.variable].name),
		Locations: []Location{c.at}, Code: abi.CodeBadUserInput,
	}
}

func isBoolean(text []byte) bool { return string(text) == "true" || string(text) == "false" }

// checkArguments finds fields whose arguments variables make wrong. They are
// null with an error, as those are whose resolver fails. The error it returns
// is one of the whole operation.
func (o *Operation) checkArguments(b *binding) *Error {
	for _, f := range o.plan.fallible {
		for i := range f.arguments {
			_, err := b.argument(&f.arguments[i])
			if err == nil {
				continue
			}
			if o.plan.kind == Subscription && f.source == fromResolver || err.Code == abi.CodeLimitExceeded {
				return err
			}
			if o.failed == nil {
				o.failed = map[int]*Error{}
			}
			o.failed[f.id] = err
			break
		}
	}
	return nil
}

// truth tells which variables are true.
func (o *Operation) truth() []bool {
	truth := make([]bool, len(o.variables))
	for i, v := range o.variables {
		truth[i] = string(v) == "true"
	}
	return truth
}

// chosen returns the fields that are in the response, in its order.
func (s *selection) chosen(truth []bool) []*field {
	type placed struct {
		place int
		field *field
	}
	var in []placed
	for _, f := range s.fields {
		if place := f.place(truth); place >= 0 {
			in = append(in, placed{place, f})
		}
	}
	slices.SortFunc(in, func(a, b placed) int { return a.place - b.place })
	fields := make([]*field, len(in))
	for i, p := range in {
		fields[i] = p.field
	}
	return fields
}

// fields returns what the operation selects on objects of a type.
func (o *Operation) fields(s *selection) []*field {
	if s.dynamic {
		return o.active[s.id]
	}
	return s.fields
}

// permit refuses the operation where a root field needs a permission that the
// subscriber does not have, and marks nested fields.
func (o *Operation) permit(permitted func(string) bool) Errors {
	var errs Errors
	for _, f := range o.fields(o.plan.root) {
		if f.root == nil || !slices.ContainsFunc(f.root.Requires, func(p string) bool { return !permitted(p) }) {
			continue
		}
		errs = append(errs, o.forbidden(f, []any{f.key}))
	}
	if errs != nil {
		return errs
	}
	if len(o.plan.guarded) == 0 {
		return nil
	}
	answers := make([]bool, len(o.plan.permissions))
	for i, p := range o.plan.permissions {
		answers[i] = permitted(p)
	}
	o.denied = make([]bool, o.plan.fields)
	for _, f := range o.plan.guarded {
		o.denied[f.id] = slices.ContainsFunc(f.requires, func(i int) bool { return !answers[i] })
	}
	return nil
}

func (o *Operation) forbidden(f *field, path []any) *Error {
	return &Error{
		Message: "not permitted to read " + f.parent + "." + f.name,
		Code:    abi.CodeForbidden, Path: path, Locations: o.locations(f),
	}
}

func (o *Operation) bindRoots(b *binding) Errors {
	var errs Errors
	for _, f := range o.fields(o.plan.root) {
		if f.source != fromResolver || o.failed[f.id] != nil {
			continue
		}
		arguments, err := b.arguments(f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		o.roots = append(o.roots, Root{f.key, f.root, arguments})
	}
	return errs
}

// projectionKey joins what decides about projected bytes. Long keys are hashed.
func (o *Operation) projectionKey(permitted func(string) bool) string {
	var few [64]byte
	key := strconv.AppendInt(few[:0], int64(o.listItems), 10)
	for _, p := range o.plan.permissions {
		answer := byte('-')
		if permitted(p) {
			answer = '+'
		}
		key = append(key, answer)
	}
	for _, v := range o.plan.keyed {
		key = strconv.AppendInt(append(key, ' '), int64(len(o.variables[v])), 10)
		key = append(append(key, ':'), o.variables[v]...)
	}
	if len(key) > 64 {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	return string(key)
}
