package graph

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// Plan is a validated operation, compiled for projection. It does not depend
// on variables or permissions, is immutable and safe for concurrent use.
type Plan struct {
	schema *Schema
	kind   OperationKind
	name   string
	at     Location // of its first selection

	root        *selection
	selections  []*selection // all of them, by id
	fields      int          // field ids are below it
	variables   []variable
	permissions []string // of nested fields
	keyed       []int    // variables that decide projected bytes, ascending
	dynamic     bool     // some field depends on one of them
	guarded     []*field // fields with nested @requires
	batched     int      // fields of object types that have resolvers; field.batch is below it
	fallible    []*field // fields whose arguments a null variable can make wrong
}

// Fields is how many fields the plan holds, counted once per object type that
// they are selected on: what its memory follows from.
func (p *Plan) Fields() int { return p.fields }

// Constant tells whether Bind gives every subscriber the same: there are no
// variables, and no permission is asked for.
func (p *Plan) Constant() bool {
	return len(p.variables) == 0 && len(p.permissions) == 0 &&
		!slices.ContainsFunc(p.root.fields, func(f *field) bool { return f.root != nil && len(f.root.Requires) > 0 })
}

// Kind tells queries, mutations and subscriptions apart.
func (p *Plan) Kind() OperationKind { return p.kind }

// Name returns the operation's name, which may be empty.
func (p *Plan) Name() string { return p.name }

// variable is one variable definition of the operation.
type variable struct {
	name     string
	typ      *ast.Type
	fallback []byte // the default as JSON, or nil
	at       Location
}

// selection is what an operation selects on objects of one type. Fields of one
// response key are merged, fragments are flattened.
type selection struct {
	id       int
	typeName string
	fields   []*field // in response order, where no condition leaves one out
	members  members  // member names of the fields: field.slot is an index into them
	dynamic  bool     // some field of it has conditions
	batched  bool     // some field of it, or below it, is resolved in batches
	checks   []check  // of conditions whose variables may be null
	metaType bool     // __Type, which introspection data refers to by name
}

// source says where the value of a field comes from.
type source uint8

const (
	fromMember   source = iota // the parent's JSON
	fromTypename               // the plan itself
	fromResolver               // a run; root fields alone
	fromBatch                  // a run for all parents of a response level
	fromPlaceholder
	fromSchema // __schema
	fromType   // __type(name:)
)

// field is one response key of a selection.
type field struct {
	id       int
	key      string // response key
	keyJSON  []byte // "key": as it is written
	name     string // in the schema, and the member's name
	parent   string // type that has the field
	slot     int
	source   source
	shape    *shape
	sub      *selection            // of an object type
	subs     map[string]*selection // of an abstract type, by object type
	named    []namedAt             // never empty
	requires []int                 // indices of permissions

	// The field is in the response where the conditions of any of these hold,
	// at the place of the first that does.
	occurrences []occurrenceAt

	root      *RootField
	arguments []argument

	resolved *ResolvedField // of a field that is resolved in batches
	batch    int            // its index among those of the plan
	deep     bool           // something below it is resolved in batches

	deprecable bool // a list of introspection, with includeDeprecated as its only argument
}

// conditions are the @skip and @include around one occurrence of a field: all
// must hold. They are sorted and distinct.
type conditions []condition

// namedAt is a place in the text that names a field. It counts where one of its
// conditions holds: fragments may be spread several times.
type namedAt struct {
	Location
	when []conditions
}

// locations are the places that have a field in the response.
func (o *Operation) locations(f *field) []Location {
	truth := o.truth()
	var all []Location
	for _, n := range f.named {
		if slices.ContainsFunc(n.when, func(c conditions) bool { return c.hold(truth) }) {
			all = append(all, n.Location)
		}
	}
	return all
}

// occurrenceAt is one place where a selection names a field.
type occurrenceAt struct {
	place      int // among all occurrences in the selection
	conditions conditions
}

// check is a @skip or @include whose variable may be null though it must not be:
// that is an error of the selection wherever the conditions around it hold.
type check struct {
	conditions conditions
	variable   int
	at         Location
}

// place returns where the field stands in the response, or -1 where it is left
// out.
func (f *field) place(truth []bool) int {
	for _, o := range f.occurrences {
		if o.conditions.hold(truth) {
			return o.place
		}
	}
	return -1
}

// condition is the index of a variable, doubled, plus one where it must be
// true.
type condition int

func (c condition) holds(truth []bool) bool { return truth[c>>1] == (c&1 == 1) }

func (c conditions) hold(truth []bool) bool {
	for _, condition := range c {
		if !condition.holds(truth) {
			return false
		}
	}
	return true
}

// argument is an argument of a field that has a resolver, or of one of
// introspection.
type argument struct {
	name   string
	typ    *ast.Type
	value  *input // nil where the operation leaves it out
	absent []byte // what then counts: the default, or nil
}

// shape is an output type: its wrappers, and what a leaf may be.
type shape struct {
	text    string // as messages spell it, with wrappers
	nonNull bool
	elem    *shape // of a list
	leaf    leaf
	enum    map[string]bool
}

// leaf says what a value that is no list must be.
type leaf uint8

const (
	leafObject leaf = iota
	leafAbstract
	leafInt
	leafFloat
	leafString
	leafBoolean
	leafID
	leafEnum
	leafCustom
)
