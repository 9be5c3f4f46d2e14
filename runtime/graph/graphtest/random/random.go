// Package random makes GraphQL schemas, operations, variables and resolver
// outputs for tests: mostly valid ones, and ones that break a rule of the
// specification each. It knows nothing of the packages that it tests, and the
// same seed gives the same cases.
package random

import (
	"math/rand/v2"
	"strings"
)

// Case is one request and what its resolvers put out.
type Case struct {
	Query         string
	OperationName string
	Variables     string               // JSON text; empty where there is none
	Outputs       map[string]string    // by field of the root types that the text names: JSON text
	Resolvers     map[string]*Resolver // by field of object types that the text names
	Fault         string               // how the operation was broken; empty where it was not on purpose
}

// Schema is a schema and the source of cases for it.
type Schema struct {
	SDL       string   // with @on at the fields of Subscription
	Resolvers []string // of all fields of root types, such as "Query.f1", and of some of object types

	rand      *rand.Rand
	types     map[string]*typeDef
	composite []string // output types with selections, without root types
	inputs    []string // names of all input types
	outputs   []string // names of all output types
	roots     []*typeDef
	fields    map[string]*fieldDef // that interfaces and most objects share, by name
}

// New makes a schema of a seed.
func New(seed uint64) *Schema {
	s := &Schema{
		rand:  rand.New(rand.NewPCG(seed, 0x9E3779B97F4A7C15)),
		types: map[string]*typeDef{}, fields: map[string]*fieldDef{},
	}
	s.declare()
	return s
}

// Case makes the next case.
func (s *Schema) Case() Case {
	g := &generator{Schema: s, Rand: s.rand}
	doc := g.document()
	c := Case{Outputs: map[string]string{}}
	if s.one(3) {
		c.Fault = g.mutate(doc)
	}
	c.Query = doc.String()
	switch {
	case s.one(12):
		c.Query, c.Fault = g.damage(c.Query), "syntax"
	case s.one(4):
		c.Query = g.respell(c.Query)
	}
	c.OperationName = g.operationName(doc)
	c.Variables = g.variables(doc)
	for _, root := range s.roots {
		for _, f := range root.fields {
			if strings.Contains(c.Query, f.name) {
				c.Outputs[root.name+"."+f.name] = g.output(f.typ, 5)
			}
		}
	}
	c.Resolvers = g.resolvers(c.Query)
	return c
}

// one is true once in n times.
func (s *Schema) one(n int) bool { return s.rand.IntN(n) == 0 }

func pick[T any](r *rand.Rand, choices []T) T { return choices[r.IntN(len(choices))] }
