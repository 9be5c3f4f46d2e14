package sandbox

import (
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/abi"
)

// Result is what a run gave. The caller owns it and may reuse it for the next
// run, which overwrites every field but keeps the capacity of the slices.
type Result struct {
	// Verdict is what the resolver returned. With a Fault it means nothing.
	Verdict abi.Verdict
	// Output is the text of the last call of output, not empty where HasOutput.
	// That it is JSON is not yet known.
	Output    []byte
	HasOutput bool
	// Failure is what the last call of fail gave, for the verdict Failed.
	Failure Failure
	// Reads lists what the run asked for, each question once, in order.
	Reads []Read
	// Published lists the events that a mutation hands to publish, in order.
	Published []Published
	// Fuel is what the run used, in units.
	Fuel int64
	// Fault is nil, or says why there is no verdict.
	Fault *Fault

	fail []byte // the text given to fail last; nil if fail was not called
}

// Failure is an error that the guest reports itself.
type Failure struct {
	Message    string
	Extensions []byte // a JSON object, or nil
}

// Published is an event on its way to the tenant's own bus.
type Published struct {
	Channel string
	Payload []byte // valid JSON
}

// reset empties the result for the next run.
func (r *Result) reset() {
	*r = Result{Output: r.Output[:0], Reads: r.Reads[:0], Published: r.Published[:0], fail: r.fail[:0]}
}

// Fault says why a run ended without a verdict. It is a value: the guest's
// doing, never the host's bug, save where Code is INTERNAL.
type Fault struct {
	Code abi.Code
	// Limit names the limit that was hit, as in docs; empty for others.
	Limit string
	// Unrepeatable is set where the end does not follow from what the run read,
	// but from the clock or the host: another run may end in another way.
	Unrepeatable bool
	// Message says what happened and where, for the module's log, which the caller
	// of Run writes it to, and for subscribers of tenants that debug.
	Message string

	where string // "start" or "_initialize", where it was in one of them
	fuel  int64  // that both had used by then
}

// Error returns code and message.
func (f *Fault) Error() string { return fmt.Sprintf("%s: %s", f.Code, f.Message) }

// Line is a line in a module's log.
type Line struct {
	Level abi.LogLevel
	// ID is that of the event or request; empty during start.
	ID      string
	Message string // valid UTF-8, as the guest wrote it; the sink escapes control characters
	// Truncated is set where the run's limit of log bytes cut the line; no
	// further line of that run follows.
	Truncated bool
	// Incident is the id that subscribers see of the fault which the line is about;
	// empty for the guest's own lines.
	Incident string
}

// Limits bound one run and the instances of one pool. All are counts or bytes
// greater than zero.
type Limits struct {
	FuelPerRun       int64
	WallMillisPerRun int64 // 0: DefaultWallMillisPerRun
	MemoryBytes      int64 // of one instance
	OutputBytes      int64
	LogBytesPerRun   int64
	PublishesPerRun  int64
	EventBytes       int64 // of one published payload
}

// DefaultWallMillisPerRun is how long a run may take by the clock where its
// limits do not say.
const DefaultWallMillisPerRun = 1000

func (l *Limits) wall() time.Duration {
	if l.WallMillisPerRun == 0 {
		return DefaultWallMillisPerRun * time.Millisecond
	}
	return time.Duration(l.WallMillisPerRun) * time.Millisecond
}
