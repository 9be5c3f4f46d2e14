package redis

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// id is the id of a stream's entry: milliseconds of the server's time, and a
// number within them.
type id struct{ ms, seq uint64 }

// String is the id as Redis writes it.
func (i id) String() string {
	return strconv.FormatUint(i.ms, 10) + "-" + strconv.FormatUint(i.seq, 10)
}

func (i id) compare(j id) int { return cmp.Or(cmp.Compare(i.ms, j.ms), cmp.Compare(i.seq, j.seq)) }

func (i id) before(j id) bool { return i.ms < j.ms || i.ms == j.ms && i.seq < j.seq }

// previous is the greatest id before i, which is not the least.
func (i id) previous() id {
	if i.seq > 0 {
		return id{i.ms, i.seq - 1}
	}
	return id{i.ms - 1, math.MaxUint64}
}

// between reports that i lies in front of all entries of its millisecond or
// behind: it is no entry's, but a place where a bus began or a gap ends.
func (i id) between() bool { return i.seq == math.MaxUint64 || i == id{} }

// time is when the entry was added, by the clock of Redis.
func (i id) time() time.Time { return time.UnixMilli(int64(min(i.ms, math.MaxInt64))).UTC() }

func latest(i, j id) id {
	if i.before(j) {
		return j
	}
	return i
}

func parseID(text string) (id, bool) {
	ms, seq, ok := strings.Cut(text, "-")
	if !ok {
		return id{}, false
	}
	i := id{}
	var errMS, errSeq error
	i.ms, errMS = strconv.ParseUint(ms, 10, 64)
	i.seq, errSeq = strconv.ParseUint(seq, 10, 64)
	return i, errMS == nil && errSeq == nil
}

const positionWidth = 32

// position has a fixed width, so that positions compare as strings.
func (i id) position() event.Position {
	const digits = "0123456789abcdef"
	var text [positionWidth]byte
	for n := range positionWidth / 2 {
		shift := 60 - 4*n
		text[n] = digits[i.ms>>shift&15]
		text[n+positionWidth/2] = digits[i.seq>>shift&15]
	}
	return event.Position(text[:])
}

// parsePosition reads what position wrote. The empty position is the least id.
func parsePosition(p event.Position) (id, error) {
	if p == "" {
		return id{}, nil
	}
	if len(p) == positionWidth {
		ms, errMS := strconv.ParseUint(string(p[:positionWidth/2]), 16, 64)
		seq, errSeq := strconv.ParseUint(string(p[positionWidth/2:]), 16, 64)
		if i := (id{ms, seq}); errMS == nil && errSeq == nil && i.position() == p {
			return i, nil
		}
	}
	return id{}, fmt.Errorf("%q is no position of the Redis bus", string(p))
}
