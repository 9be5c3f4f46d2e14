package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxConfigBytes is far more than all settings take.
const maxConfigBytes = 1 << 20

// takeFile sets each option that a file of settings names.
func (s *settings) takeFile(path string) {
	text, err := readSmall(path, maxConfigBytes)
	if err != nil {
		s.noFile = true
		s.complain(s.place("config"), "%w", err)
		return
	}
	var values map[string]toml.Primitive
	meta, err := toml.Decode(text, &values)
	if err != nil {
		s.noFile = true
		s.complain(placeIn(path, err), "%s", tomlMessage(err))
		return
	}
	for _, key := range meta.Keys() {
		if len(key) > 1 {
			continue // its table is refused
		}
		var found located
		err := meta.PrimitiveDecode(values[key[0]], &found)
		s.setFromFile(key[0], found.value, placeIn(path, err))
	}
}

// located is a value of a file. It is never decoded, since package toml tells in
// which line something is by errors alone.
type located struct{ value any }

var errLocated = errors.New("this is where it is")

// UnmarshalTOML implements toml.Unmarshaler.
func (l *located) UnmarshalTOML(value any) error {
	l.value = value
	return errLocated
}

// placeIn is file and line of what err is about.
func placeIn(path string, err error) string {
	var at toml.ParseError
	if !errors.As(err, &at) {
		return path
	}
	return fmt.Sprintf("%s:%d", path, at.Position.Line)
}

// tomlMessage says what is wrong without the text of the line, which may be a
// password that lacks its quotes.
func tomlMessage(err error) string {
	var at toml.ParseError
	if errors.As(err, &at) && strings.HasPrefix(at.Message, "Key ") {
		return at.Message // it is there twice
	}
	return "this is not TOML: a line is a name, =, and a value, which is a text in quotes, a number, true, false or a list in brackets"
}

// setFromFile gives an option the value that the file has under its name.
func (s *settings) setFromFile(name string, value any, place string) {
	f := s.flags.Lookup(name)
	if f == nil || commandLineOnly(name) {
		s.complain(place, "%s", unknownKey(name))
		return
	}
	place += ": " + name
	want, text, ok := valueText(f, value)
	if !ok {
		s.places[name], s.unread[name] = place, true
		s.complain(place, "it takes %s", want)
		return
	}
	s.set(name, text, place)
}

func unknownKey(name string) string {
	switch name {
	case "admin-token":
		return "the admin token is not kept in this file: name its own by admin-token-file, or set RUNNEL_ADMIN_TOKEN"
	case "config", "check-config", "restore":
		return name + " belongs on the command line"
	}
	return fmt.Sprintf("there is no setting %q", name)
}

// valueText is the value as the flag reads it, where it has the right type; want
// names that.
func valueText(f *flag.Flag, value any) (want, text string, ok bool) {
	if isSwitch(f) {
		_, ok = value.(bool)
		return "true or false", fmt.Sprint(value), ok
	}
	switch f.Value.(type) {
	case *prefixes:
		text, ok = joined(value)
		return `a list such as ["10.0.0.0/8"]`, text, ok
	}
	if _, is := f.Value.(flag.Getter).Get().(int); is {
		_, ok = value.(int64)
		return "a whole number", fmt.Sprint(value), ok
	}
	text, ok = value.(string)
	return "a text in quotes", text, ok
}

// joined takes a list of texts, or one text that has commas.
func joined(value any) (string, bool) {
	list, ok := value.([]any)
	if !ok {
		text, ok := value.(string)
		return text, ok
	}
	texts := make([]string, len(list))
	for i, one := range list {
		if texts[i], ok = one.(string); !ok {
			return "", false
		}
	}
	return strings.Join(texts, ","), true
}

// readSmall reads a file of at most so many bytes.
func readSmall(path string, most int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	switch {
	case err != nil:
		return "", err
	case int64(len(text)) > most:
		return "", fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return string(text), nil
}
