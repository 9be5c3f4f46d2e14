package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
)

// passing are errors of a server that cannot serve now, by their first word, and
// what they mean. What was sent was not done.
var passing = map[string]string{
	"LOADING":    "Redis loads what it has on disk",
	"READONLY":   "Redis is a replica now",
	"MASTERDOWN": "Redis is a replica now, and has lost its primary",
	"NOREPLICAS": "Redis has fewer replicas than it is told to wait for",
	"MISCONF":    "Redis cannot write to its disk",
	"OOM":        "Redis has no memory left",
	"BUSY":       "Redis is busy with a script",
	"UNBLOCKED":  "Redis has become a replica",
	"UNKILLABLE": "Redis is busy with a script",
	// A password is changed on one side first.
	"WRONGPASS": "Redis does not know the user, or has another password",
	"NOAUTH":    "Redis asks for a password",
}

// refused are errors that stay until an operator has seen to them.
var refused = map[string]string{
	"NOPERM":    "Redis does not permit the user what the server needs",
	"WRONGTYPE": "a key of the bus holds something else than it should",
}

// explain says what an error of go-redis means, and makes it an
// event.ErrUnavailable where the server may answer another time.
func explain(err error) error {
	var answer redis.Error
	switch {
	case err == nil, errors.Is(err, event.ErrClosed):
		return err
	case errors.Is(err, redis.ErrClosed):
		return event.ErrClosed
	case errors.As(err, &answer):
		return explainAnswer(err)
	case errors.Is(err, context.Canceled):
		return err
	}
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted) {
		return fmt.Errorf("%w: %w", event.ErrUnavailable, err)
	}
	return err
}

// cause is why a transaction was not made: its own error does not tell.
func cause(commands []redis.Cmder, err error) error {
	if !redis.HasErrorPrefix(err, "EXECABORT") {
		return err
	}
	for _, c := range commands {
		if c.Err() != nil && !redis.HasErrorPrefix(c.Err(), "EXECABORT") {
			return c.Err()
		}
	}
	return err
}

// isWrongType reports that a key holds what it should not.
func isWrongType(err error) bool { return err != nil && strings.Contains(err.Error(), "WRONGTYPE") }

func explainAnswer(err error) error {
	text := err.Error()
	for word, meaning := range passing {
		if strings.HasPrefix(text, word) {
			return fmt.Errorf("%w: %s: %w", event.ErrUnavailable, meaning, err)
		}
	}
	for word, meaning := range refused {
		if strings.HasPrefix(text, word) || word == "WRONGTYPE" && isWrongType(err) {
			return fmt.Errorf("%s: %w", meaning, err)
		}
	}
	if strings.Contains(text, "max number of clients") {
		return fmt.Errorf("%w: %w", event.ErrUnavailable, err)
	}
	return err
}
