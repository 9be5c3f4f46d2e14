package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// settings reads options from the command line, the environment and a file, and
// collects what is wrong with them.
type settings struct {
	options
	flags  *flag.FlagSet
	places map[string]string // where the value of an option comes from, by its name
	unread map[string]bool   // options that were given, but not in a form that they have
	noFile bool              // that of --config could not be read
	wrong  []error           // each begins with its place
}

// parseOptions reads all settings and checks them, without any effect that is seen
// outside. The error has a line for each mistake, with the place that it is in, and
// shows no secret. Who asks for help gets flag.ErrHelp.
func parseOptions(arguments []string, getenv func(string) string) (options, error) {
	s := &settings{places: map[string]string{}, unread: map[string]bool{}}
	s.flags = s.define()
	flags, err := s.split(arguments)
	if err != nil {
		return s.options, err
	}
	// The file is named by the others, which go before it.
	s.take(flags, "config")
	if name := variable("config"); s.config == "" {
		s.set("config", getenv(name), name)
	}
	if s.config != "" {
		s.takeFile(s.config)
	}
	s.takeEnvironment(getenv)
	s.take(flags, "")
	s.complete(getenv)
	return s.options, errors.Join(s.wrong...)
}

// given is a flag as the command line has it.
type given struct{ name, value string }

// split takes a command line apart. What belongs to no flag is not shown in the
// complaint: it may be the secret that one was given for.
func (s *settings) split(arguments []string) (flags []given, err error) {
	for n := 0; n < len(arguments); n++ {
		argument := arguments[n]
		name, isFlag := strings.CutPrefix(argument, "-")
		name, value, valued := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		if !isFlag || name == "" {
			s.complain(fmt.Sprintf("argument %d", n+1), "it belongs to no flag, and all settings are flags")
			continue
		}
		if name == "help" || name == "h" {
			return nil, flag.ErrHelp
		}
		f := s.flags.Lookup(name)
		follows := n+1 < len(arguments) && !strings.HasPrefix(arguments[n+1], "-")
		switch {
		case f == nil:
			s.complain("--"+name, "there is no such flag")
			if !valued && follows {
				n++ // its value
			}
			continue
		case valued:
		case isSwitch(f):
			value = "true"
		case n+1 == len(arguments):
			s.unread[name] = true
			s.complain("--"+name, "it takes %s, and nothing follows", wanted(f))
			continue
		default:
			n++
			value = arguments[n]
		}
		flags = append(flags, given{name, value})
	}
	return flags, nil
}

// take sets what the command line gives: the flag of that name, or all of them
// where it is empty. The last of several counts.
func (s *settings) take(flags []given, name string) {
	for _, f := range flags {
		if name == "" || f.name == name {
			s.set(f.name, f.value, "--"+f.name)
		}
	}
}

// takeEnvironment sets each option that the environment names.
func (s *settings) takeEnvironment(getenv func(string) string) {
	s.flags.VisitAll(func(f *flag.Flag) {
		if value := getenv(variable(f.Name)); value != "" {
			s.set(f.Name, value, variable(f.Name))
		}
	})
}

// variable is the name of an option in the environment.
func variable(option string) string {
	return "RUNNEL_" + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
}

// set gives an option the value that it has in a place.
func (s *settings) set(name, value, place string) {
	f := s.flags.Lookup(name)
	s.places[name] = place
	err := s.flags.Set(name, value)
	if s.unread[name] = err != nil; err == nil {
		return
	}
	if list, is := f.Value.(*prefixes); is {
		err = list.Set(value) // it says itself what is wrong
	} else {
		err = fmt.Errorf("%q is not %s", value, wanted(f))
	}
	s.complain(place, "%w", err)
}

// place is where the value of an option comes from. One that has its default
// would be changed by its flag.
func (s *settings) place(option string) string {
	if place := s.places[option]; place != "" {
		return place
	}
	return "--" + option
}

func (s *settings) complain(place, format string, arguments ...any) {
	s.wrong = append(s.wrong, fmt.Errorf("%s: %w", place, fmt.Errorf(format, arguments...)))
}

// unclear tells whether one of these options was given in a way that says nothing,
// so that what follows from it is not known.
func (s *settings) unclear(options ...string) bool {
	return s.noFile || slices.ContainsFunc(options, func(name string) bool { return s.unread[name] })
}

// isSwitch tells a flag that takes no value of its own.
func isSwitch(f *flag.Flag) bool {
	boolean, is := f.Value.(interface{ IsBoolFlag() bool })
	return is && boolean.IsBoolFlag()
}

// wanted says what an option takes.
func wanted(f *flag.Flag) string {
	if _, is := f.Value.(*prefixes); is {
		return "CIDRs such as 10.0.0.0/8"
	}
	switch f.Value.(flag.Getter).Get().(type) {
	case bool:
		return "true or false"
	case int:
		return "a whole number"
	case time.Duration:
		return "a time such as 30s or 1m30s"
	case *slog.Level:
		return "debug, info, warn or error"
	}
	return "a value"
}
