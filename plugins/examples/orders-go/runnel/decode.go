package runnel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// decode reads JSON as a GraphQL schema means it: nothing is missing but where
// there is a pointer, and names are spelt as they are. encoding/json by itself
// lets both pass.
func decode(text []byte, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		if kind(text) == "null" {
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return decode(text, v.Elem())
	}
	want, fits := accepts(v.Type(), kind(text))
	if !fits {
		return fmt.Errorf("expected %s, got %s", want, kind(text))
	}
	switch v.Kind() {
	case reflect.Struct:
		return decodeObject(text, v)
	case reflect.Slice:
		return decodeArray(text, v)
	case reflect.String:
		return decodeString(text, v)
	case reflect.Bool:
		v.SetBool(text[0] == 't')
		return nil
	}
	number, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return err
	}
	if want == "Float" {
		v.SetFloat(number)
		return nil
	}
	if number != math.Trunc(number) || number < math.MinInt32 || number > math.MaxInt32 {
		return fmt.Errorf("%s is not an Int", text)
	}
	v.SetInt(int64(number))
	return nil
}

// decodeString has encoding/json look at escapes only: a call of it costs more
// than all the rest.
func decodeString(text []byte, v reflect.Value) error {
	switch {
	case text[0] != '"': // an ID in digits
		v.SetString(string(text))
	case bytes.IndexByte(text, '\\') < 0:
		v.SetString(string(text[1 : len(text)-1]))
	default:
		return json.Unmarshal(text, v.Addr().Interface())
	}
	return nil
}

// accepts returns the name that a type has in GraphQL, and whether a kind of
// JSON stands for its values.
func accepts(t reflect.Type, kind string) (name string, fits bool) {
	switch t.Kind() {
	case reflect.String:
		if t == reflect.TypeFor[ID]() {
			return "ID", kind == "a string" || kind == "a number"
		}
		return "String", kind == "a string"
	case reflect.Bool:
		return "Boolean", kind == "a boolean"
	case reflect.Int32:
		return "Int", kind == "a number"
	case reflect.Float64:
		return "Float", kind == "a number"
	case reflect.Slice:
		return "a list", kind == "an array"
	case reflect.Struct:
		return t.Name(), kind == "an object"
	default:
		return t.String() + ", which GraphQL has not", false
	}
}

// kind names the kind of a JSON text.
func kind(text []byte) string {
	switch text[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

func decodeObject(text []byte, v reflect.Value) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		member, found := members[name]
		switch {
		case found:
			if err := decode(member, v.Field(i)); err != nil {
				return at(name, err)
			}
		case v.Field(i).Kind() != reflect.Pointer:
			return fmt.Errorf("%s: missing", name)
		}
	}
	return nil
}

func decodeArray(text []byte, v reflect.Value) error {
	var elements []json.RawMessage
	if err := json.Unmarshal(text, &elements); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), len(elements), len(elements)))
	for i, element := range elements {
		if err := decode(element, v.Index(i)); err != nil {
			return at(strconv.Itoa(i), err)
		}
	}
	return nil
}

// pathError is an error below a value: "inner.grid.1: expected Float, got null".
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return e.path + ": " + e.err.Error() }
func (e *pathError) Unwrap() error { return e.err }

func at(name string, err error) error {
	if below, ok := err.(*pathError); ok {
		return &pathError{name + "." + below.path, below.err}
	}
	return &pathError{name, err}
}
