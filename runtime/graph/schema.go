package graph

import (
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// Overflow is what happens to a slow consumer of a Subscription field.
type Overflow uint8

// The ways of @on(overflow:).
const (
	Disconnect Overflow = iota
	Latest
)

// String returns the value's name in the schema.
func (o Overflow) String() string {
	if o == Latest {
		return "LATEST"
	}
	return "DISCONNECT"
}

// Channel is one @on of a Subscription field.
type Channel struct {
	Name     string
	Initial  bool
	Overflow Overflow
	Key      []string // a path in the payload, keys and array indices; nil where all its events have one key
}

// Match is one @match of a Subscription field. Exactly one of Arg, Claim and
// In is set.
type Match struct {
	Path    []string // keys and array indices
	Arg     string
	Claim   string
	In      []string
	ArgIsID bool // the argument is an ID, which also matches a number of its digits
}

// ResolvedField is a field that a module resolves. It is immutable.
type ResolvedField struct {
	Type     string
	Name     string
	Module   string // owns the field and exports its resolver
	Resolver string // name of that export
}

// RootField is a resolved field of Query, Mutation or Subscription. It is
// immutable.
type RootField struct {
	ResolvedField
	Channels []Channel
	Matches  []Match
	Requires []string // permissions, all of which a subscriber needs
}

// Schema is a tenant's composed schema. It is immutable and safe for
// concurrent use.
type Schema struct {
	index
	doc      *ast.Schema
	roots    map[string]*RootField                   // by resolver
	objects  map[*ast.FieldDefinition]*ResolvedField // fields of other object types that have resolvers
	possible map[string]map[string]bool
	enums    map[string]map[string]bool
	requires map[*ast.FieldDefinition][]string

	argumentDefaults map[*ast.ArgumentDefinition][]byte
	fieldDefaults    map[*ast.FieldDefinition][]byte
	expanding        map[*ast.FieldDefinition]bool // during Compose alone
	defaultBytes     int

	introspection func() *introspection
}

func newSchema(doc *ast.Schema) *Schema {
	s := &Schema{
		index: newIndex(doc), doc: doc, roots: map[string]*RootField{}, objects: map[*ast.FieldDefinition]*ResolvedField{},
		possible: map[string]map[string]bool{}, enums: map[string]map[string]bool{},
		requires:         map[*ast.FieldDefinition][]string{},
		argumentDefaults: map[*ast.ArgumentDefinition][]byte{},
		fieldDefaults:    map[*ast.FieldDefinition][]byte{},
		expanding:        map[*ast.FieldDefinition]bool{},
	}
	for name, def := range doc.Types {
		switch def.Kind {
		case ast.Enum:
			values := make(map[string]bool, len(def.EnumValues))
			for _, v := range def.EnumValues {
				values[v.Name] = true
			}
			s.enums[name] = values
		case ast.Interface, ast.Union:
			types := map[string]bool{}
			for _, t := range doc.PossibleTypes[name] {
				types[t.Name] = t.Kind == ast.Object
			}
			s.possible[name] = types
		}
	}
	s.introspection = sync.OnceValue(func() *introspection { return introspect(doc) })
	return s
}

// includes tells whether an object type is, or is one of, the named type.
func (s *Schema) includes(name string, object *ast.Definition) bool {
	return name == object.Name || s.possible[name][object.Name]
}

// RootField returns the field that an export resolves, such as
// "Subscription.orderUpdated".
func (s *Schema) RootField(resolver string) (*RootField, bool) {
	f, ok := s.roots[resolver]
	return f, ok
}

// SDL prints the composed schema: the uses of Runnel's directives are in it,
// their declarations are not.
func (s *Schema) SDL() string {
	// The printer knows built-in directives by name, and types by their mark.
	visible := *s.doc
	visible.Directives = make(map[string]*ast.DirectiveDefinition, len(s.doc.Directives))
	for name, d := range s.doc.Directives {
		if d.Position == nil || !d.Position.Src.BuiltIn {
			visible.Directives[name] = d
		}
	}
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchema(&visible)
	return b.String()
}
