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

// fromFile sets each flag that a file of settings names. The error has a line,
// with its number in the file, for each that is not right.
func fromFile(flags *flag.FlagSet, path string) error {
	text, err := readSmall(path, maxConfigBytes)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	var values map[string]toml.Primitive
	meta, err := toml.Decode(text, &values)
	if err != nil {
		return placed(path, err)
	}
	var errs []error
	for _, key := range meta.Keys() {
		if len(key) > 1 {
			continue // its table is refused
		}
		if err := meta.PrimitiveDecode(values[key[0]], &setting{flags, key[0]}); err != nil {
			errs = append(errs, placed(path, err))
		}
	}
	return errors.Join(errs...)
}

// placed puts file and line before what is wrong there.
func placed(path string, err error) error {
	var at toml.ParseError
	if !errors.As(err, &at) {
		return fmt.Errorf("%s: %w", path, err)
	}
	// Not at.Error: it repeats the key, and may show the line, which may hold a password.
	return fmt.Errorf("%s:%d: %s", path, at.Position.Line, at.Message)
}

// setting gives a flag the value that the file has under its name.
type setting struct {
	flags *flag.FlagSet
	name  string
}

// UnmarshalTOML implements toml.Unmarshaler.
func (s *setting) UnmarshalTOML(value any) error {
	f := s.flags.Lookup(s.name)
	if f == nil || commandLineOnly(s.name) {
		return unknownKey(s.name)
	}
	want, text, ok := valueText(f, value)
	if !ok {
		return fmt.Errorf("%s takes %s", s.name, want)
	}
	if err := s.flags.Set(s.name, text); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

func unknownKey(name string) error {
	switch name {
	case "admin-token":
		return errors.New("the admin token is not kept in this file: name its own by admin-token-file, or set RUNNEL_ADMIN_TOKEN")
	case "config", "check-config":
		return fmt.Errorf("%s belongs on the command line", name)
	}
	return fmt.Errorf("unknown key %q; runnel-server --help lists all", name)
}

// valueText is the value as the flag reads it, where it has the right type; want
// names that.
func valueText(f *flag.Flag, value any) (want, text string, ok bool) {
	if boolean, is := f.Value.(interface{ IsBoolFlag() bool }); is && boolean.IsBoolFlag() {
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
