package graph

import (
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// compiler makes a plan of one operation of a validated document.
type compiler struct {
	schema      *Schema
	limits      Limits
	plan        *Plan
	literals    literals
	memo        map[string]*selection // by object type and what is selected on it
	inputs      map[typedLiteral]*input
	keys        map[string][]byte // "key": of each response key
	summaries   map[*ast.Field]*summary
	byKey       map[string]*gathered
	visited     map[string]bool
	subs        map[string]*possible // by abstract type and what is selected on it
	sets        map[*ast.Selection]int
	shapes      map[string]*shape
	permissions map[string]int
	keyed       map[int]bool
	work        int
	err         *Error
}

// part is one selection set that contributes to a selection.
type part struct {
	set        ast.SelectionSet
	conditions conditions
}

// compile never fails for a document that validate has passed, but by limits
// and by literals that gqlparser's rules let pass.
func compile(s *Schema, op *ast.OperationDefinition, l Limits) (*Plan, Errors) {
	c := &compiler{
		schema: s, limits: l,
		plan: &Plan{schema: s, kind: kindOf(op), name: op.Name, at: locationOf(op.SelectionSet[0].GetPosition())},
		memo: map[string]*selection{}, subs: map[string]*possible{}, inputs: map[typedLiteral]*input{}, keys: map[string][]byte{},
		summaries: map[*ast.Field]*summary{}, byKey: map[string]*gathered{}, visited: map[string]bool{}, sets: map[*ast.Selection]int{},
		shapes: map[string]*shape{}, permissions: map[string]int{}, keyed: map[int]bool{},
	}
	c.literals = literals{schema: s, variables: map[string]int{}, budget: maxLiteralBytes}
	if errs := c.variables(op); errs != nil {
		return nil, errs
	}
	root := s.doc.Types[c.plan.kind.typeName()]
	c.plan.root = c.selection(root, []part{{set: op.SelectionSet}})
	if c.err != nil {
		return nil, Errors{c.err}
	}
	for v := range c.keyed {
		c.plan.keyed = append(c.plan.keyed, v)
	}
	slices.Sort(c.plan.keyed)
	return c.plan, nil
}

func kindOf(op *ast.OperationDefinition) OperationKind {
	switch op.Operation {
	case ast.Mutation:
		return Mutation
	case ast.Subscription:
		return Subscription
	}
	return Query
}

func (c *compiler) variables(op *ast.OperationDefinition) Errors {
	var errs Errors
	for i, def := range op.VariableDefinitions {
		v := variable{name: def.Variable, typ: def.Type, at: locationOf(def.Position)}
		if def.DefaultValue != nil {
			l := literals{schema: c.schema, budget: maxDefaultBytes}
			in, err := l.compile(def.Type, def.DefaultValue)
			if err != nil {
				errs = append(errs, invalid(err.at, "Variable \"$%s\": default value: %s", def.Variable, err.message))
				continue
			}
			v.fallback = in.json
		}
		c.literals.variables[def.Variable] = i
		c.plan.variables = append(c.plan.variables, v)
	}
	return errs
}

func (c *compiler) fail(err *Error) {
	if c.err == nil {
		c.err = err
	}
}

// selection compiles what parts select on objects of a type. Equal selections
// are compiled once: an interface with many types would else multiply by
// itself at every level.
func (c *compiler) selection(typ *ast.Definition, parts []part) *selection {
	key := c.key(typ, parts)
	if s := c.memo[key]; s != nil {
		return s
	}
	s := &selection{id: len(c.plan.selections), typeName: typ.Name, metaType: typ.Name == "__Type"}
	c.memo[key] = s
	c.plan.selections = append(c.plan.selections, s)
	// A walk is over before that of another selection begins.
	clear(c.byKey)
	clear(c.visited)
	g := gathering{compiler: c, typ: typ, byKey: c.byKey, visited: c.visited}
	for _, p := range parts {
		g.walk(p.set, p.conditions)
	}
	if c.plan.fields += len(g.order); c.plan.fields > maxPlanFields {
		c.fail(limitError("queryFields", "the operation's fields, counted per object type, are more than %d", maxPlanFields))
	}
	if c.err != nil {
		return s
	}
	if s.checks = g.checks; s.checks != nil {
		s.dynamic, c.plan.dynamic = true, true
	}
	base := c.plan.fields - len(g.order)
	for i, found := range g.order {
		f := c.field(s, typ, found, base+i)
		s.fields = append(s.fields, f)
		s.batched = s.batched || f.deep || f.source == fromBatch
	}
	return s
}

func (c *compiler) key(typ *ast.Definition, parts []part) string {
	key := append(make([]byte, 0, 64), typ.Name...)
	for _, p := range parts {
		id, ok := c.sets[&p.set[0]]
		if !ok {
			id = len(c.sets)
			c.sets[&p.set[0]] = id
		}
		key = strconv.AppendInt(append(key, ' '), int64(id), 10)
		for _, condition := range p.conditions {
			key = strconv.AppendInt(append(key, '.'), int64(condition), 10)
		}
	}
	return string(key)
}

func (c *compiler) field(s *selection, typ *ast.Definition, found *gathered, id int) *field {
	node := found.nodes[0].field
	f := &field{
		id: id, key: found.key, name: node.Name, parent: typ.Name,
		keyJSON:     c.keyJSON(found.key),
		occurrences: found.occurrences(),
	}
	found.summary = c.summarize(found)
	f.named = found.summary.named
	if len(f.occurrences[0].conditions) > 0 {
		s.dynamic, c.plan.dynamic = true, true
	}
	if node.Name == "__typename" {
		f.source = fromTypename
		f.shape = c.shape(ast.NonNullNamedType("String", nil))
		return f
	}
	// The type itself says more than the interface that the node was checked
	// against.
	def := c.schema.field(typ, node.Name)
	f.shape = c.shape(def.Type)
	if s.id > 0 {
		c.guard(f, typ)
	}
	c.source(f, s, def)
	if f.source != fromBatch {
		f.slot = s.members.add(node.Name)
	}
	c.arguments(f, s, def, node)
	c.descend(f, def, found)
	return f
}

func (c *compiler) keyJSON(key string) []byte {
	if c.keys[key] == nil {
		c.keys[key] = append(jsondoc.AppendQuoted(nil, key), ':')
	}
	return c.keys[key]
}

// guard adds what @requires asks for a nested field, on its type or on an
// interface that declares the field as well.
func (c *compiler) guard(f *field, typ *ast.Definition) {
	if len(c.schema.requires) == 0 {
		return
	}
	permissions := c.schema.requires[c.schema.field(typ, f.name)]
	for _, name := range typ.Interfaces {
		if def := c.schema.field(c.schema.doc.Types[name], f.name); def != nil {
			permissions = append(permissions[:len(permissions):len(permissions)], c.schema.requires[def]...)
		}
	}
	for _, p := range permissions {
		i, ok := c.permissions[p]
		if !ok {
			i = len(c.plan.permissions)
			c.permissions[p] = i
			c.plan.permissions = append(c.plan.permissions, p)
		}
		f.requires = append(f.requires, i)
	}
	if f.requires != nil {
		c.plan.guarded = append(c.plan.guarded, f)
	}
}

// source says where a field's value comes from. Of the fields of root types,
// only what the operation selects at its root is resolved: a Query inside an
// object is read from that.
func (c *compiler) source(f *field, s *selection, def *ast.FieldDefinition) {
	switch {
	case def.Name == "__schema":
		f.source = fromSchema
	case def.Name == "__type":
		f.source = fromType
	case def.Name == placeholder:
		f.source = fromPlaceholder
	case s.id == 0:
		f.source, f.root = fromResolver, c.schema.roots[s.typeName+"."+def.Name]
	case c.schema.objects[def] != nil:
		f.source, f.resolved = fromBatch, c.schema.objects[def]
		f.batch = c.plan.batched
		c.plan.batched++
	}
	f.deprecable = f.shape.elem != nil && s.typeName[:1] == "_" && def.Arguments.ForName("includeDeprecated") != nil
}

// arguments compiles the arguments of fields that have resolvers and of
// introspection, and checks those of the others, which have no meaning.
func (c *compiler) arguments(f *field, s *selection, def *ast.FieldDefinition, node *ast.Field) {
	if len(def.Arguments) == 0 {
		return
	}
	given := make(map[string]*ast.Value, len(node.Arguments))
	for _, a := range node.Arguments {
		given[a.Name] = a.Value
	}
	for _, a := range c.schema.argumentsFor(def.Arguments, node.Arguments) {
		compiled := argument{name: a.Name, typ: a.Type, absent: c.schema.argumentDefaults[a]}
		if c.literals.budget -= len(compiled.absent); c.literals.budget < 0 {
			c.fail(limitError("queryBytes", "the operation's arguments and their defaults expand to more than %d bytes", maxLiteralBytes))
			return
		}
		if literal := given[a.Name]; literal != nil {
			value, err := c.literal(a.Type, literal)
			if err != nil {
				c.fail(invalid(err.at, "%s", err.message))
				return
			}
			compiled.value = value
			if f.source != fromResolver {
				c.keyVariables(value)
			}
		}
		fallible := compiled.value != nil && c.fallible(compiled.value)
		if last := len(c.plan.fallible) - 1; fallible && (last < 0 || c.plan.fallible[last] != f) {
			c.plan.fallible = append(c.plan.fallible, f)
		}
		if f.source != fromMember || f.deprecable || fallible {
			f.arguments = append(f.arguments, compiled)
		}
	}
}

// literal compiles an argument's value, once for all object types that have the
// field.
func (c *compiler) literal(t *ast.Type, v *ast.Value) (*input, *inputError) {
	key := typedLiteral{v, t.String()}
	if in := c.inputs[key]; in != nil {
		return in, nil
	}
	in, err := c.literals.compile(t, v)
	c.inputs[key] = in
	return in, err
}

type typedLiteral struct {
	value *ast.Value
	typ   string
}

// fallible tells whether a variable in a value can be null where it must not
// be, which its default, or that of the place, has let pass.
func (c *compiler) fallible(in *input) bool {
	if in.variable > 0 {
		return in.typ != nil && in.typ.NonNull && !c.plan.variables[in.variable-1].typ.NonNull
	}
	return slices.ContainsFunc(in.items, c.fallible) ||
		slices.ContainsFunc(in.fields, func(f inputField) bool { return f.present && c.fallible(f.value) })
}

func (c *compiler) keyVariables(in *input) {
	if in.variable > 0 {
		c.keyed[in.variable-1] = true
	}
	for _, item := range in.items {
		c.keyVariables(item)
	}
	for _, f := range in.fields {
		if f.present {
			c.keyVariables(f.value)
		}
	}
}

// descend compiles what is selected below a field.
func (c *compiler) descend(f *field, def *ast.FieldDefinition, found *gathered) {
	parts := found.summary.parts
	if len(parts) == 0 || c.err != nil {
		return
	}
	typ := c.schema.doc.Types[def.Type.Name()]
	if typ.Kind == ast.Object {
		f.sub = c.selection(typ, parts)
		f.deep = f.sub.batched
		return
	}
	all := c.possible(typ, parts)
	f.subs, f.deep = all.subs, all.deep
}

// possible is what parts select on every object that an abstract type stands for.
type possible struct {
	subs map[string]*selection
	deep bool // something of it is resolved in batches
}

// possible compiles it once: the fields of all those objects may lead to the type
// again.
func (c *compiler) possible(typ *ast.Definition, parts []part) *possible {
	key := c.key(typ, parts)
	if known := c.subs[key]; known != nil {
		return known
	}
	types := c.schema.doc.PossibleTypes[typ.Name]
	all := &possible{subs: make(map[string]*selection, len(types))}
	c.subs[key] = all
	for _, t := range types {
		if t.Kind == ast.Object && c.err == nil {
			sub := c.selection(t, parts)
			all.subs[t.Name] = sub
			all.deep = all.deep || sub.batched
		}
	}
	return all
}

// shape compiles an output type, once per spelling.
func (c *compiler) shape(t *ast.Type) *shape {
	text := t.String()
	if s := c.shapes[text]; s != nil {
		return s
	}
	s := &shape{text: text, nonNull: t.NonNull}
	c.shapes[text] = s
	if t.Elem != nil {
		s.elem = c.shape(t.Elem)
		return s
	}
	switch def := c.schema.doc.Types[t.NamedType]; def.Kind {
	case ast.Object:
		s.leaf = leafObject
	case ast.Interface, ast.Union:
		s.leaf = leafAbstract
	case ast.Enum:
		s.leaf, s.enum = leafEnum, c.schema.enums[def.Name]
	default:
		s.leaf = [...]leaf{
			customScalar: leafCustom, intScalar: leafInt, floatScalar: leafFloat,
			stringScalar: leafString, booleanScalar: leafBoolean, idScalar: leafID,
		}[builtInScalar(def.Name)]
	}
	return s
}
