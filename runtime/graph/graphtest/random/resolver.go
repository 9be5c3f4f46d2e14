package random

import (
	"slices"
	"strings"
)

// Resolver is what the resolver of a field of an object type puts out. Which of
// its elements is the value for a parent follows from the parent and from how
// many arguments there are, so that it is the same in whatever batches parents
// come.
type Resolver struct {
	Elements []string // JSON texts, at least one; an error where it has the member "@error"
	// Fault is what is put out for any batch instead of an array of elements: no
	// array, no JSON, or one of the words below. Empty where nothing is wrong.
	Fault string
}

// Words for faults.
const (
	Failed = "failed" // the run itself
	Short  = "short"  // an element too few
	Long   = "long"   // an element too many
)

// NumberMember is a member of most objects that resolvers put out: a number that
// is different for each.
const NumberMember = "#"

// Output is the output for parents, given by their numbers; 0 for one without.
func (r *Resolver) Output(parents []int, arguments int) string {
	elements := make([]string, len(parents))
	for i, number := range parents {
		elements[i] = r.Elements[(number+arguments)%len(r.Elements)]
	}
	switch r.Fault {
	case "":
	case Short:
		elements = elements[1:]
	case Long:
		elements = append(elements, "null")
	default:
		return r.Fault
	}
	return "[" + strings.Join(elements, " ,") + "]"
}

var (
	faults     = []string{Failed, Short, Long, "null", "{}", "1", `"[]"`, "[", "[1]]", `{"@error":{"message":"all"}}`}
	errorsOf   = []string{`{"message":"no"}`, `{"message":"","extensions":{"code":"C","at":[1]}}`, `{"message":"\u00e9","extensions":null}`, `{"message":1}`, `{}`, "null", `"no"`}
	errorNames = []string{`"@error"`, `"\u0040error"`, `"@error":0,"@error"`, `"x":{},"@error"`}
)

// chooseResolvers gives some fields of object types resolvers of their own, in
// two of three schemas.
func (s *Schema) chooseResolvers() {
	if s.one(3) {
		return
	}
	for _, name := range s.composite {
		d := s.types[name]
		for _, f := range d.fields {
			if d.kind == objectKind && s.one(2) {
				s.Resolvers = append(s.Resolvers, name+"."+f.name)
			}
		}
	}
}

// resolver makes what the resolver of a field puts out.
func (g *generator) resolver(f *fieldDef) *Resolver {
	r := &Resolver{}
	if g.one(8) {
		r.Fault = pick(g.Rand, faults)
	}
	for range 1 + g.IntN(4) {
		element := g.output(f.typ, 3)
		if g.one(8) {
			element = "{" + pick(g.Rand, errorNames) + ":" + pick(g.Rand, errorsOf) + "}"
		}
		r.Elements = append(r.Elements, element)
	}
	return r
}

// resolvers makes the resolvers of the fields of object types that a text names.
func (g *generator) resolvers(query string) map[string]*Resolver {
	made := map[string]*Resolver{}
	for _, name := range g.composite {
		for _, f := range g.types[name].fields {
			resolver := name + "." + f.name
			if strings.Contains(query, f.name) && slices.Contains(g.Resolvers, resolver) {
				made[resolver] = g.resolver(f)
			}
		}
	}
	return made
}
