package graph

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/runnel-dev/runnel/abi"
)

// Source is one module's part of a schema.
type Source struct {
	Module    string   // its name, as problems spell it
	SDL       string   // the text of its runnel.schema section
	Resolvers []string // its exports of the form Type.field
	// Changed marks the module that the others were composed without before: what
	// it and another module disagree on is then reported in it. The schema does not
	// depend on it.
	Changed bool
}

// ComposeLimits bound a schema. A zero is no limit.
type ComposeLimits struct {
	SchemaBytes int // SDL of all modules together
	SchemaTypes int // types that modules declare
}

// Problem is one reason why modules do not compose.
type Problem struct {
	Module  string
	Message string
	Export  string // of the module's code, that the problem is about; may be empty
	Line    int    // in the module's SDL, counted from 1; 0 where the SDL is not the place
	Column  int    // in characters, counted from 1
}

// String gives the problem with its place.
func (p Problem) String() string {
	place := "module " + p.Module
	if p.Line > 0 {
		place += fmt.Sprintf(":%d:%d", p.Line, p.Column)
	}
	if p.Export != "" {
		place += ": " + p.Export
	}
	return place + ": " + p.Message
}

// ComposeError holds everything that is wrong with a set of modules, in the
// order of modules and lines.
type ComposeError struct {
	Problems []Problem
	Limit    string // the name of the limit that was met, where that is the reason
}

// Error gives all problems, one per line.
func (e *ComposeError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// composer collects problems and the merged schema while modules compose.
type composer struct {
	problems   []Problem
	modules    []*module
	types      map[string]*declaration
	order      []*declaration // types in order of declaration
	directives map[string]*ast.DirectiveDefinition
	defined    []*ast.DirectiveDefinition // directives of modules, in order
	document   *ast.SchemaDocument        // what gqlparser validates
}

type module struct {
	name    string
	doc     *ast.SchemaDocument
	exports map[string]bool
}

// declares returns where the module's SDL declares the field that a resolver is
// named after; nil where it does not.
func (m *module) declares(resolver string) *ast.Position {
	typeName, field, _ := abi.SplitResolver(resolver)
	for _, definitions := range []ast.DefinitionList{m.doc.Definitions, m.doc.Extensions} {
		for _, def := range definitions {
			if def.Name != typeName {
				continue
			}
			if f := def.Fields.ForName(field); f != nil {
				return f.Position
			}
		}
	}
	return nil
}

// Compose makes one schema of the SDL of all modules. The result does not
// depend on the order of sources. The error is a *ComposeError.
func Compose(sources []Source, limits ComposeLimits) (*Schema, error) {
	sources = slices.Clone(sources)
	slices.SortFunc(sources, func(a, b Source) int { return cmp.Compare(a.Module, b.Module) })
	schema, err := compose(sources, limits)
	if err == nil || !slices.ContainsFunc(sources, func(s Source) bool { return s.Changed }) {
		return schema, err
	}
	// A disagreement is found in the later of two modules.
	slices.SortStableFunc(sources, func(a, b Source) int {
		switch {
		case a.Changed == b.Changed:
			return 0
		case a.Changed:
			return 1
		}
		return -1
	})
	return compose(sources, limits)
}

// compose composes modules in their order.
func compose(sources []Source, limits ComposeLimits) (*Schema, error) {
	c := &composer{types: map[string]*declaration{}, directives: map[string]*ast.DirectiveDefinition{}}
	if err := checkBytes(sources, limits.SchemaBytes); err != nil {
		return nil, err
	}
	c.parseAll(sources)
	if len(c.problems) > 0 {
		return nil, c.err()
	}
	c.predeclare()
	for _, m := range c.modules {
		c.checkNames(m)
	}
	c.mergeAll()
	if limits.SchemaTypes > 0 && len(c.order) > limits.SchemaTypes {
		return nil, &ComposeError{
			Problems: []Problem{{Message: fmt.Sprintf("the schema has %d types, over the limit of %d", len(c.order), limits.SchemaTypes)}},
			Limit:    "schemaTypes",
		}
	}
	c.checkReferences()
	c.checkInputObjects()
	if len(c.problems) > 0 {
		return nil, c.err()
	}
	schema := c.build()
	if schema != nil {
		c.roots(schema)
	}
	if len(c.problems) > 0 {
		return nil, c.err()
	}
	return schema, nil
}

func checkBytes(sources []Source, limit int) error {
	total := 0
	for _, s := range sources {
		total += len(s.SDL)
	}
	if limit == 0 || total <= limit {
		return nil
	}
	return &ComposeError{
		Problems: []Problem{{Message: fmt.Sprintf("the SDL of all modules has %d bytes, over the limit of %d", total, limit)}},
		Limit:    "schemaBytes",
	}
}

// parseAll parses modules side by side. Its goroutines end with it.
func (c *composer) parseAll(sources []Source) {
	parts := make([]composer, len(sources))
	var done sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range sources {
		free <- struct{}{}
		done.Go(func() {
			parts[i].parse(sources[i])
			<-free
		})
	}
	done.Wait()
	for i := range parts {
		c.modules = append(c.modules, parts[i].modules...)
		c.problems = append(c.problems, parts[i].problems...)
	}
}

func (c *composer) parse(s Source) {
	source := &ast.Source{Name: s.Module, Input: straightened(s.SDL)}
	scanned := scan(source, 0, maxNesting)
	var doc *ast.SchemaDocument
	if scanned == nil || scanned.reason == noToken {
		var err error
		if doc, err = parser.ParseSchema(source); err != nil {
			c.foreign(s.Module, err)
			if last := &c.problems[len(c.problems)-1]; scanned.hides(last.Line, last.Column) {
				*last = Problem{Module: s.Module, Message: scanned.Message, Line: scanned.Line, Column: scanned.Column}
			}
			return
		}
	}
	if scanned != nil {
		c.problems = append(c.problems, Problem{Module: s.Module, Message: scanned.Message, Line: scanned.Line, Column: scanned.Column})
		return
	}
	m := &module{name: s.Module, doc: doc, exports: map[string]bool{}}
	for _, r := range s.Resolvers {
		m.exports[r] = true
	}
	c.modules = append(c.modules, m)
}

// build validates the merged document by gqlparser's rules, which stop at the
// first problem, and then what those leave out.
func (c *composer) build() *Schema {
	doc, err := validateForeign(c.document)
	if err != nil {
		c.foreign("", err)
		return nil
	}
	s := newSchema(doc)
	c.checkValues(s)
	return s
}

// validateForeign answers a panic in gqlparser as an error: SDL of one tenant
// must not take the server down for all.
func validateForeign(doc *ast.SchemaDocument) (schema *ast.Schema, err error) {
	defer func() {
		if recover() != nil {
			schema, err = nil, errors.New("the schema cannot be validated")
		}
	}()
	return validator.ValidateSchemaDocument(doc)
}

// report adds a problem at a place in the SDL of the module that it lies in.
func (c *composer) report(at *ast.Position, format string, args ...any) {
	p := Problem{Message: fmt.Sprintf(format, args...)}
	if at != nil && at.Src != nil {
		p.Module, p.Line, p.Column = at.Src.Name, at.Line, at.Column
	}
	c.problems = append(c.problems, p)
}

// reportExport adds a problem with a resolver that a module exports. Its place
// in the SDL is where the module declares the field, if it does.
func (c *composer) reportExport(m *module, export, format string, args ...any) {
	p := Problem{Module: m.name, Export: export, Message: fmt.Sprintf(format, args...)}
	if at := m.declares(export); at != nil {
		p.Line, p.Column = at.Line, at.Column
	}
	c.problems = append(c.problems, p)
}

// foreign adds an error of gqlparser, which names the module as its file.
func (c *composer) foreign(module string, err error) {
	p := Problem{Module: module, Message: err.Error()}
	var e *gqlerror.Error
	if errors.As(err, &e) {
		p.Message = e.Message
		if file, ok := e.Extensions["file"].(string); ok && module == "" {
			p.Module = file
		}
		if len(e.Locations) > 0 && e.Locations[0].Line > 0 {
			p.Line, p.Column = e.Locations[0].Line, e.Locations[0].Column
		}
	}
	c.problems = append(c.problems, p)
}

func (c *composer) err() error {
	slices.SortStableFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Module, b.Module), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Export, b.Export))
	})
	return &ComposeError{Problems: slices.Compact(c.problems)}
}
