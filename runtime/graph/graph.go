// Package graph composes a tenant's schema from the SDL of its modules,
// validates operations against it, compiles them to immutable plans, and
// projects what resolvers put out to exactly what each operation asked for.
//
// It is the only importer of gqlparser. Nothing here knows of sockets, runs or
// tenants, and nothing on the way from a result to a response allocates per
// field. Every text that comes from outside is bounded in bytes, tokens and
// nesting before a recursive function sees it.
package graph

// Request is what a subscriber sends: the members of a GraphQL request.
type Request struct {
	Query         string
	OperationName string
	Variables     []byte // a JSON object, null, or empty
	Extensions    []byte // a JSON object, null, or empty
}

// Limits bound one operation. A zero stands for the default of this package.
type Limits struct {
	QueryBytes     int // length of the text
	QueryTokens    int // lexical tokens
	QueryFields    int // selections as written, and again once fragments are expanded
	QueryAliases   int // aliases as written, and again once fragments are expanded
	QueryDepth     int // nesting of fields once fragments are expanded; introspection does not count
	VariablesBytes int // length of the variables' JSON text
	ListItems      int // elements of one list in a response; a longer list is null with an error

	// NoIntrospection refuses __schema and __type, and leaves suggestions out of
	// errors, since they tell names one by one. __typename stays.
	NoIntrospection bool
}

func (l Limits) withDefaults() Limits {
	set := func(v *int, value int) {
		if *v == 0 {
			*v = value
		}
	}
	set(&l.QueryBytes, 64<<10)
	set(&l.QueryTokens, 5_000)
	set(&l.QueryFields, 2_000)
	set(&l.QueryAliases, 200)
	set(&l.QueryDepth, 20)
	set(&l.VariablesBytes, 64<<10)
	set(&l.ListItems, 10_000)
	return l
}

const (
	// Brackets of all kinds that may be open at the same point of an SDL or
	// of an operation. The parser, the rules and the compiler recurse so deep.
	maxNesting = 200
	// Steps of one walk over the expanded selections of an operation: what
	// fragments spread in fragments can multiply is refused, not walked.
	maxWork = 30_000
	// Fields of a compiled plan, counted once per object type that may answer.
	maxPlanFields = 10_000
	// Bytes that the input values of one operation may grow to, by defaults as
	// it is compiled, and by variables used many times as it is bound.
	maxLiteralBytes = 1 << 20
	maxInputBytes   = 4 << 20
	// Bytes that the default values of one schema may grow to, each and all.
	maxDefaultBytes  = 64 << 10
	maxDefaultsBytes = 4 << 20
	// Fields, values or members of one type: the rules compare them pairwise.
	maxMembers = 5_000
	// Conditions on one field: the match index holds them as bits of a word.
	maxMatches = 32
	// Errors of one response or one validation; the rest is counted.
	maxErrors = 50
	// Bytes of one response, with those that errors have made null: aliases could
	// ask for a large output many times.
	maxResponseBytes = 32 << 20
	// Members of objects that one projection looks at: aliases could ask for one
	// object of very many again and again.
	maxLookedAt = 8 << 20
	// Bytes of one introspection result.
	maxIntrospectionBytes = 16 << 20
)

// OperationKind tells queries, mutations and subscriptions apart.
type OperationKind uint8

// The kinds of operations.
const (
	Query OperationKind = iota
	Mutation
	Subscription
)

var operationKindNames = [...]string{"query", "mutation", "subscription"}

// String returns the keyword of the kind.
func (k OperationKind) String() string { return operationKindNames[k] }

// typeName returns the name of the kind's root type.
func (k OperationKind) typeName() string {
	return [...]string{"Query", "Mutation", "Subscription"}[k]
}
