// Package runnel lets a Go module answer a Runnel server: it is the ABI
// runnel_v1 with Go's types, as small as the example needs it.
package runnel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// Skip is what a resolver returns as its error where a subscriber shall get
// nothing of an event.
var Skip = errors.New("skip")

// ID is GraphQL's ID: a string, which an event may also give as a number.
type ID string

// Event is the event that a resolver is called for.
type Event[T any] struct{ input func() ([]byte, bool) }

// NewEvent returns an event with a payload, for tests.
func NewEvent[T any](payload string) Event[T] {
	return Event[T]{func() ([]byte, bool) { return []byte(payload), true }}
}

// Read returns the payload. It is an error where the payload is no T: where
// something is missing that T has not as a pointer, or is of another type.
func (e Event[T]) Read() (*T, error) {
	payload, ok := e.input()
	if !ok {
		return nil, errors.New("event: missing")
	}
	value := new(T)
	if err := decode(bytes.TrimSpace(payload), reflect.ValueOf(value).Elem()); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	return value, nil
}

// Context is the subscriber that a resolver is called for.
type Context struct{ permitted func(string) bool }

// NewContext returns a subscriber who holds the permissions, for tests.
func NewContext(permissions ...string) Context {
	held := map[string]bool{}
	for _, p := range permissions {
		held[p] = true
	}
	return Context{func(permission string) bool { return held[permission] }}
}

// Permitted reports whether the subscriber holds a permission.
func (c Context) Permitted(permission string) bool { return c.permitted(permission) }

// What a resolver's export returns.
const (
	verdictSkip    = 0
	verdictDeliver = 1
	verdictFailed  = 2
)

// Subscription makes what the export of a Subscription field calls, out of its
// resolver. Call it when the module starts: what is worked out about T then, by
// encoding/json and by a rehearsal, is there in every run.
func Subscription[T any](resolve func(Event[T], Context) (*T, error)) func() int32 {
	text, _ := encode(new(T))
	_, _ = NewEvent[T](string(text)).Read()
	return func() int32 {
		value, err := resolve(Event[T]{event}, Context{permitted})
		if errors.Is(err, Skip) {
			return verdictSkip
		}
		var text []byte
		if err == nil {
			text, err = encode(value)
		}
		if err != nil {
			fail([]byte(err.Error()))
			return verdictFailed
		}
		output(text)
		return verdictDeliver
	}
}

func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return text.Bytes(), err
}
