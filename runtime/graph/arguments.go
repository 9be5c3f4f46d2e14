package graph

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// Arguments are the coerced argument values of a root field. They are
// immutable.
type Arguments struct {
	// text is the object, then where each of its values ends, endBytes long. It
	// is one piece since each live subscription has its own. It is nil where
	// there is no value.
	text []byte
}

const endBytes = 4

// JSON returns the arguments as an object, in the order of their definition:
// defaults are in it, omitted arguments are not. Equal values give equal
// bytes. The caller must not change them.
func (a Arguments) JSON() []byte {
	if a.text == nil {
		return []byte("{}")
	}
	n := binary.LittleEndian.Uint32(a.text[len(a.text)-endBytes:]) + 1
	return a.text[:n:n]
}

// Get returns the JSON text of one argument. The caller must not change it.
func (a Arguments) Get(name string) (value []byte, ok bool) {
	if a.text == nil {
		return nil, false
	}
	start := uint32(1)
	for ends := a.text[len(a.JSON()):]; len(ends) > 0; ends = ends[endBytes:] {
		end := binary.LittleEndian.Uint32(ends)
		member := a.text[start:end:end]
		quote := 1 + bytes.IndexByte(member[1:], '"') // a name needs no escapes
		if string(member[1:quote]) == name {
			return member[quote+2:], true
		}
		start = end + 1
	}
	return nil, false
}

// binding puts variables into compiled input values, within a budget of bytes.
type binding struct {
	plan      *Plan
	variables [][]byte
	budget    int // below zero, nothing more is appended, and the result is of no use
}

func (b *binding) put(dst, text []byte) []byte {
	if b.budget -= len(text); b.budget < 0 {
		return dst
	}
	return append(dst, text...)
}

// fold turns a list or object without variables into JSON text.
func (in *input) fold() *input {
	for _, item := range in.items {
		if item.json == nil {
			return in
		}
	}
	for _, f := range in.fields {
		if f.present && f.value.json == nil {
			return in
		}
	}
	json, _ := in.append(nil, &binding{budget: math.MaxInt})
	return &input{json: json}
}

// append appends the value. absent means that the value is a variable without
// one, and that nothing was appended.
func (in *input) append(dst []byte, b *binding) (_ []byte, absent bool) {
	switch {
	case in.json != nil:
		return b.put(dst, in.json), false
	case in.variable > 0:
		value := b.variables[in.variable-1]
		return b.put(dst, value), value == nil
	case in.isObject:
		return in.appendObject(dst, b), false
	}
	dst = append(dst, '[')
	for i, item := range in.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, absent = item.append(dst, b); absent {
			dst = append(dst, "null"...)
		}
	}
	return append(dst, ']'), false
}

func (in *input) appendObject(dst []byte, b *binding) []byte {
	dst = append(dst, '{')
	first := len(dst)
	for _, f := range in.fields {
		start := len(dst)
		if start > first {
			dst = append(dst, ',')
		}
		dst = append(jsondoc.AppendQuoted(dst, f.name), ':')
		absent := !f.present
		if f.present {
			dst, absent = f.value.append(dst, b)
		}
		switch {
		case !absent:
		case f.absent != nil:
			dst = b.put(dst, f.absent)
		default:
			dst = dst[:start]
		}
	}
	return append(dst, '}')
}

// arguments evaluates the arguments of a root field.
func (b *binding) arguments(f *field) (Arguments, *Error) {
	var few [128]byte
	var fewEnds [8 * endBytes]byte
	text, ends := append(few[:0], '{'), fewEnds[:0]
	for i := range f.arguments {
		def := &f.arguments[i]
		value, err := b.argument(def)
		if err != nil {
			return Arguments{}, err
		}
		if value == nil {
			continue
		}
		if len(ends) > 0 {
			text = append(text, ',')
		}
		text = append(jsondoc.AppendQuoted(text, def.name), ':')
		text = append(text, value...)
		ends = binary.LittleEndian.AppendUint32(ends, uint32(len(text)))
	}
	if len(ends) == 0 {
		return Arguments{}, nil
	}
	return Arguments{bytes.Clone(append(append(text, '}'), ends...))}, nil
}

// argument evaluates one argument; nil is an omitted one.
func (b *binding) argument(def *argument) ([]byte, *Error) {
	var text []byte
	if def.value != nil {
		if in := def.value.nullInside(b); in != nil {
			return nil, refuse(in, `Variable "$%s" is null in a place of argument %q that must not be.`, b.plan.variables[in.variable-1].name, def.name)
		}
		var absent bool
		if text, absent = def.value.append([]byte{}, b); absent {
			text = nil
		}
		if b.budget < 0 {
			return nil, limitError("variablesBytes", "the arguments expand to more than %d bytes", maxInputBytes)
		}
	}
	if text == nil {
		text = def.absent
	}
	switch {
	case def.typ.NonNull && text == nil:
		return nil, refuse(def.value, `Argument %q of required type "%s" was not provided.`, def.name, def.typ)
	case def.typ.NonNull && string(text) == "null":
		return nil, refuse(def.value, `Argument %q of non-null type "%s" must not be null.`, def.name, def.typ)
	}
	return text, nil
}

// refuse is the error of a variable in an argument.
func refuse(in *input, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Locations: []Location{in.at}, Code: abi.CodeBadUserInput}
}

// nullInside returns a variable without a value, or of null, where a list item
// or an input field must not be null; nil where there is none.
func (in *input) nullInside(b *binding) *input {
	for _, item := range in.items {
		if found := item.nullHere(b, nil); found != nil {
			return found
		}
	}
	for _, f := range in.fields {
		if !f.present {
			continue
		}
		if found := f.value.nullHere(b, f.absent); found != nil {
			return found
		}
	}
	return nil
}

func (in *input) nullHere(b *binding, fallback []byte) *input {
	if in.variable == 0 {
		return in.nullInside(b)
	}
	if in.typ == nil || !in.typ.NonNull {
		return nil
	}
	value := b.variables[in.variable-1]
	if string(value) == "null" || (value == nil && fallback == nil) {
		return in
	}
	return nil
}
