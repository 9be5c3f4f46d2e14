package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// The clocks that a guest has. Those of processor time are not among them:
// they could tell nothing but fuel.
const (
	clockRealtime  = 0
	clockMonotonic = 1
)

// seedUnits is what the first random bytes of a run cost, besides the call and a
// unit for each byte.
const seedUnits = 256

// wasiClockResolution is clock_res_get: time comes in milliseconds.
func (i *instance) wasiClockResolution(stack []uint64) errno {
	if uint32(stack[0]) > clockMonotonic {
		return errnoInval
	}
	binary.LittleEndian.PutUint64(i.target("clock_res_get", stack[1], 8), uint64(time.Millisecond))
	return errnoSuccess
}

// wasiClockTime is clock_time_get.
func (i *instance) wasiClockTime(stack []uint64) errno {
	clock := uint32(stack[0])
	if clock > clockMonotonic {
		return errnoInval
	}
	result := i.target("clock_time_get", stack[2], 8)
	binary.LittleEndian.PutUint64(result, i.now(clock))
	return errnoSuccess
}

// now is the time of the run, in nanoseconds: its meta's, and as much later as
// the run has waited. The monotonic clock is one nanosecond ahead, since Go's
// runtime takes a monotonic clock at zero, as it is during start, for a broken
// one.
func (i *instance) now(clock uint32) uint64 {
	i.askMeta()
	now := addTime(i.wasi.metaTime, i.wasi.waited)
	if clock == clockMonotonic {
		now = addTime(now, 1)
	}
	return now
}

func addTime(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry > 0 {
		return math.MaxUint64
	}
	return sum
}

// askMeta reads the meta input for its time and id, where the run has not done
// so. During start there is none.
func (i *instance) askMeta() {
	if i.wasi.metaKnown {
		return
	}
	i.wasi.metaKnown = true
	i.charge(int64(len(i.result.Reads)))
	meta, ok := i.askInput(abi.InputMeta)
	i.charge(int64(len(meta)))
	d := &i.document
	if !ok || d.Parse(meta, jsondoc.Options{}) != nil || d.Nodes[0].Kind != jsondoc.Object {
		return
	}
	text := i.wasi.metaID
	if t, ok := d.Member(0, "time"); ok && d.Nodes[t].Kind == jsondoc.String {
		text = d.AppendString(text, t)
		i.wasi.metaTime = parseTime(text)
	}
	if id, ok := d.Member(0, "id"); ok && d.Nodes[id].Kind == jsondoc.String {
		i.wasi.metaID = d.AppendString(text[:0], id)
	}
}

// parseTime reads RFC 3339, into nanoseconds since 1970.
func parseTime(text []byte) uint64 {
	var t time.Time
	if t.UnmarshalText(text) != nil {
		return 0
	}
	return uint64(max(t.UnixNano(), 0))
}

// wasiRandom is random_get: the stream of ChaCha8, as math/rand/v2 has it, whose
// seed is the SHA-256 of the meta's id or, during start, of the digest.
func (i *instance) wasiRandom(stack []uint64) errno {
	buffer := i.target("random_get", stack[0], stack[1])
	i.charge(int64(len(buffer)))
	if !i.wasi.seeded {
		i.seed()
	}
	_, _ = i.wasi.random.Read(buffer) // does not fail
	return errnoSuccess
}

func (i *instance) seed() {
	i.charge(seedUnits)
	var seed [sha256.Size]byte
	if i.starting {
		seed = sha256.Sum256([]byte(i.pool.module.digest))
	} else {
		i.askMeta()
		seed = sha256.Sum256(i.wasi.metaID)
	}
	if i.wasi.random == nil {
		i.wasi.random = rand.NewChaCha8(seed)
	} else {
		i.wasi.random.Seed(seed)
	}
	i.wasi.seeded = true
}

// Types of subscriptions, and where their parts lie.
const (
	subscriptionBytes = 48
	eventBytes        = 32
	eventClock        = 0
	eventRead         = 1
	eventWrite        = 2
	clockAbsolute     = 1 // a flag: the timeout is a time
	readHangup        = 1 // a flag: nothing more will come
)

// wasiPoll is poll_oneoff. It never waits: what would have to be waited for is
// there at once, and the clock has moved on by as long as that would have taken.
// A loop that waits for a time so comes to its end, as every other loop does by
// its fuel.
func (i *instance) wasiPoll(stack []uint64) errno {
	const call = "poll_oneoff"
	count := uint32(stack[2])
	if count == 0 || count > maxElements {
		return errnoInval
	}
	i.charge(int64(count) * elementUnits)
	subscriptions := i.view(call, stack[0], uint64(count)*subscriptionBytes)
	events := i.target(call, stack[1], uint64(count)*eventBytes)
	found := i.target(call, stack[3], 4)
	wait := uint64(math.MaxUint64)
	for s := subscriptions; len(s) > 0; s = s[subscriptionBytes:] {
		left, _ := i.subscribed(s)
		wait = min(wait, left)
	}
	n := 0
	for s := subscriptions; len(s) > 0; s = s[subscriptionBytes:] {
		if left, e := i.subscribed(s); left <= wait {
			putEvent(events[n*eventBytes:][:eventBytes], s, e)
			n++
		}
	}
	i.wasi.waited = addTime(i.wasi.waited, wait)
	binary.LittleEndian.PutUint32(found, uint32(n))
	return errnoSuccess
}

// subscribed tells how many nanoseconds from now on a subscription's event is
// there, and the event's error.
func (i *instance) subscribed(s []byte) (left uint64, e errno) {
	number := binary.LittleEndian.Uint32(s[16:]) // of the clock or file
	switch s[8] {
	case eventClock:
		timeout, flags := binary.LittleEndian.Uint64(s[24:]), binary.LittleEndian.Uint16(s[40:])
		switch {
		case number > clockMonotonic:
			return 0, errnoInval
		case flags&clockAbsolute == 0:
			return timeout, errnoSuccess
		default:
			now := i.now(number)
			return timeout - min(now, timeout), errnoSuccess
		}
	case eventRead:
		if number != stdin {
			return 0, errnoBadf
		}
	case eventWrite:
		if number != stdout && number != stderr {
			return 0, errnoBadf
		}
	default:
		return 0, errnoInval
	}
	return 0, errnoSuccess
}

func putEvent(event, s []byte, e errno) {
	copy(event, s[:8]) // userdata
	clear(event[8:])
	binary.LittleEndian.PutUint16(event[8:], uint16(e))
	event[10] = s[8]
	if s[8] == eventRead && e == errnoSuccess {
		event[24] = readHangup
	}
}
