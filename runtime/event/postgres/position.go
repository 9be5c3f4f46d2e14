package postgres

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/runnel-dev/runnel/runtime/event"
)

// position has a fixed width, so that positions compare as strings. It is the
// number that the row has, with zeros in front.
func position(n int64) event.Position { return event.Position(fmt.Sprintf("%019d", n)) }

var errPosition = errors.New("no position of the postgres bus")

// parse reads a position; the empty one is 0.
func parse(p event.Position) (int64, error) {
	if p == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(p), 10, 64)
	if err != nil || position(n) != p {
		return 0, fmt.Errorf("%q: %w", string(p), errPosition)
	}
	return n, nil
}
