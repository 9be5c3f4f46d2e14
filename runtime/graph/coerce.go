package graph

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// coercion converts the variables of one request to canonical JSON by their
// types. Its recursion is bounded by the nesting limit of the variables' text.
type coercion struct {
	plan    *Plan
	doc     jsondoc.Document
	binding *binding
	path    []byte // from the variable to the value, as messages spell it
	err     string
	at      uint32 // the value that err is about
}

// coercions are kept for what they have grown to, unless that is beyond keepNodes.
// See BenchmarkSubscribe.
var coercions = sync.Pool{New: func() any { return new(coercion) }}

const keepNodes = 1 << 10

func (c *coercion) release() {
	if cap(c.doc.Nodes) > keepNodes || cap(c.path) > keepNodes {
		return
	}
	c.doc.Text = nil
	*c = coercion{doc: c.doc, path: c.path}
	coercions.Put(c)
}

// coerce returns the values of all variables, nil where one has none.
func (p *Plan) coerce(text []byte, l Limits, b *binding) ([][]byte, Errors) {
	if len(text) > l.VariablesBytes {
		return nil, Errors{limitError("variablesBytes", "the variables have %d bytes, over the limit of %d", len(text), l.VariablesBytes)}
	}
	c := coercions.Get().(*coercion)
	defer c.release()
	c.plan, c.binding = p, b
	if len(text) == 0 {
		text = []byte("{}")
	}
	if err := c.doc.Parse(text, jsondoc.Options{}); err != nil {
		return nil, Errors{{Message: "variables: " + err.Error(), Code: abi.CodeBadUserInput}}
	}
	if k := c.doc.Nodes[0].Kind; k != jsondoc.Object && k != jsondoc.Null {
		return nil, Errors{{Message: "variables must be an object, not " + k.String(), Code: abi.CodeBadUserInput}}
	}
	values := make([][]byte, len(p.variables))
	var errs Errors
	for i := range p.variables {
		value, message := c.variable(&p.variables[i])
		if message != "" && len(errs) < maxErrors {
			errs = append(errs, &Error{Message: message, Locations: []Location{p.variables[i].at}, Code: abi.CodeBadUserInput})
		}
		values[i] = value
	}
	if b.budget < 0 {
		errs = Errors{limitError("variablesBytes", "the variables expand to more than %d bytes", maxInputBytes)}
	}
	return values, errs
}

func (c *coercion) variable(v *variable) (value []byte, message string) {
	n, given := uint32(0), false
	if c.doc.Nodes[0].Kind == jsondoc.Object {
		n, given = c.doc.Member(0, v.name)
	}
	switch {
	case !given && v.fallback != nil:
		return v.fallback, ""
	case !given && v.typ.NonNull:
		return nil, fmt.Sprintf(`Variable "$%s" of required type "%s" was not provided.`, v.name, v.typ)
	case !given:
		return nil, ""
	case v.typ.NonNull && c.doc.Nodes[n].Kind == jsondoc.Null:
		return nil, fmt.Sprintf(`Variable "$%s" of non-null type "%s" must not be null.`, v.name, v.typ)
	}
	c.path, c.err = append(c.path[:0], v.name...), ""
	root := len(c.path)
	const quotes = 2 // an ID that is a number gets them
	value, ok := c.value(make([]byte, 0, len(c.doc.Raw(n))+quotes), v.typ, n)
	if ok {
		return value, ""
	}
	at := ""
	if len(c.path) > root {
		at = ` at "` + cut(string(c.path)) + `"`
	}
	shown := cut(string(jsondoc.AppendCompact(nil, c.doc.Raw(c.at))))
	return nil, fmt.Sprintf(`Variable "$%s" got invalid value %s%s; %s`, v.name, shown, at, c.err)
}

// refuse ends the coercion of a variable; the path stays where it is.
func (c *coercion) refuse(n uint32, format string, args ...any) bool {
	c.at, c.err = n, fmt.Sprintf(format, args...)
	return false
}

// value appends the coerced value of a node.
func (c *coercion) value(dst []byte, t *ast.Type, n uint32) ([]byte, bool) {
	node := &c.doc.Nodes[n]
	switch {
	case node.Kind == jsondoc.Null && t.NonNull:
		return dst, c.refuse(n, `Expected non-nullable type "%s" not to be null.`, t)
	case node.Kind == jsondoc.Null:
		return c.binding.put(dst, []byte("null")), true
	case t.Elem != nil:
		return c.list(dst, t, n)
	}
	schema := c.plan.schema
	def := schema.doc.Types[t.NamedType]
	switch {
	case def.Kind == ast.InputObject:
		return c.object(dst, def, n)
	case def.Kind == ast.Enum && node.Kind != jsondoc.String:
		return dst, c.refuse(n, `Enum "%s" cannot represent non-string value: %s.`, def.Name, c.shown(n))
	case def.Kind == ast.Enum:
		name := string(c.doc.AppendString(nil, n))
		if !schema.enums[def.Name][name] {
			return dst, c.refuse(n, `Value %s does not exist in "%s" enum.`, quoted(name), def.Name)
		}
		return jsondoc.AppendQuoted(dst, name), true
	}
	return c.scalar(dst, builtInScalar(def.Name), n)
}

func (c *coercion) shown(n uint32) string {
	return cut(string(jsondoc.AppendCompact(nil, c.doc.Raw(n))))
}

func (c *coercion) list(dst []byte, t *ast.Type, n uint32) ([]byte, bool) {
	node := c.doc.Nodes[n]
	dst = append(dst, '[')
	if node.Kind != jsondoc.Array {
		dst, ok := c.value(dst, t.Elem, n)
		return append(dst, ']'), ok
	}
	base, ok := len(c.path), true
	for i, item := 0, n+1; item < node.Next; i, item = i+1, c.doc.Nodes[item].Next {
		if i > 0 {
			dst = append(dst, ',')
		}
		c.path = strconv.AppendInt(append(c.path[:base], '['), int64(i), 10)
		c.path = append(c.path, ']')
		if dst, ok = c.value(dst, t.Elem, item); !ok {
			return dst, false
		}
	}
	c.path = c.path[:base]
	return append(dst, ']'), true
}

func (c *coercion) object(dst []byte, def *ast.Definition, n uint32) ([]byte, bool) {
	node := c.doc.Nodes[n]
	if node.Kind != jsondoc.Object {
		return dst, c.refuse(n, `Expected type "%s" to be an object.`, def.Name)
	}
	// The work is per declared field: many small objects of a large type must
	// not cost more than their text pays for.
	if c.binding.budget -= len(def.Fields); c.binding.budget < 0 {
		return dst, c.refuse(n, "too large")
	}
	given, ok := c.given(def, n)
	if !ok {
		return dst, false
	}
	base := len(c.path)
	dst = append(dst, '{')
	first := len(dst)
	for i, f := range def.Fields {
		fallback := c.plan.schema.fieldDefaults[f]
		switch {
		case given[i] == 0 && fallback == nil && f.Type.NonNull:
			return dst, c.refuse(n, `Field "%s" of required type "%s" was not provided.`, f.Name, f.Type)
		case given[i] == 0 && fallback == nil:
			continue
		}
		if len(dst) > first {
			dst = append(dst, ',')
		}
		dst = append(jsondoc.AppendQuoted(dst, f.Name), ':')
		if given[i] == 0 {
			dst = c.binding.put(dst, fallback)
			continue
		}
		c.path = append(append(c.path[:base], '.'), f.Name...)
		if dst, ok = c.value(dst, f.Type, given[i]); !ok {
			return dst, false
		}
	}
	c.path = c.path[:base]
	return append(dst, '}'), true
}

// given returns the node of every input field, 0 where it is left out.
func (c *coercion) given(def *ast.Definition, n uint32) ([]uint32, bool) {
	given := make([]uint32, len(def.Fields))
	end, count := c.doc.Nodes[n].Next, 0
	for key := n + 1; key < end; key = c.doc.Nodes[key+1].Next {
		found := false
		for i, f := range def.Fields {
			if c.doc.StringEquals(key, f.Name) {
				given[i], found = key+1, true
				break
			}
		}
		if !found {
			name := string(c.doc.AppendString(nil, key))
			return nil, c.refuse(n, `Field %s is not defined by type "%s".`, quoted(name), def.Name)
		}
		count++
		if isOneOf(def) && c.doc.Nodes[key+1].Kind == jsondoc.Null {
			return nil, c.refuse(n, `Field %s must be non-null.`, c.doc.Raw(key))
		}
	}
	if isOneOf(def) && count != 1 {
		return nil, c.refuse(n, `Exactly one key must be specified for OneOf type "%s".`, def.Name)
	}
	return given, true
}

func (c *coercion) scalar(dst []byte, scalar scalarKind, n uint32) ([]byte, bool) {
	node, raw := &c.doc.Nodes[n], c.doc.Raw(n)
	number := node.Kind == jsondoc.Number
	switch scalar {
	case intScalar:
		i, integral, fits := int64(0), false, false
		if number {
			i, integral, fits = parseInt(raw)
		}
		if integral && !fits {
			return dst, c.refuse(n, "Int cannot represent non 32-bit signed integer value: %s", c.shown(n))
		}
		if !integral {
			return dst, c.refuse(n, "Int cannot represent non-integer value: %s", c.shown(n))
		}
		return strconv.AppendInt(dst, i, 10), true
	case floatScalar:
		f, err := strconv.ParseFloat(string(raw), 64)
		if !number || err != nil {
			return dst, c.refuse(n, "Float cannot represent non numeric value: %s", c.shown(n))
		}
		return appendFloat(dst, f), true
	case booleanScalar:
		if node.Kind != jsondoc.True && node.Kind != jsondoc.False {
			return dst, c.refuse(n, "Boolean cannot represent a non boolean value: %s", c.shown(n))
		}
		return append(dst, raw...), true
	case stringScalar:
		if node.Kind != jsondoc.String {
			return dst, c.refuse(n, "String cannot represent a non string value: %s", c.shown(n))
		}
	case idScalar:
		if number {
			text, ok := appendNumberText(append(dst, '"'), raw, true)
			if ok {
				return append(text, '"'), true
			}
		}
		if node.Kind != jsondoc.String {
			return dst, c.refuse(n, "ID cannot represent value: %s", c.shown(n))
		}
	default:
		return jsondoc.AppendCompact(dst, raw), true
	}
	if !node.Escaped {
		return append(dst, raw...), true // as AppendQuoted would write it
	}
	return jsondoc.AppendQuoted(dst, string(c.doc.AppendString(nil, n))), true
}
