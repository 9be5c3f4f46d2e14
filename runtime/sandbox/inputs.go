package sandbox

import "github.com/runnel-dev/runnel/abi"

// Inputs is all that a run can see. Its methods are called on the goroutine
// that called Run, between Run's start and its return, at most once per
// distinct question. Returned bytes are JSON; they must not change before the
// Result is used for the last time.
type Inputs interface {
	// ID is the id of the event or request, for the log. The guest sees it in the
	// meta input only.
	ID() string
	// Input answers a kind of input; false where there is no such thing.
	Input(kind abi.Kind) ([]byte, bool)
	// Argument answers one argument of the field.
	Argument(name string) ([]byte, bool)
	// Claim answers one identity claim.
	Claim(name string) ([]byte, bool)
	// Permitted reports whether the subscriber holds the permission.
	Permitted(permission string) bool
}

// Pace is told how runs go on, so that guests who take long let others work.
// Inputs may be one. Its methods are called on the goroutine that called Run; the
// guest stands still meanwhile, and sees nothing of it.
type Pace interface {
	// Spend is told at the end of each slice of the fuel that was used since it was
	// told last, and reports whether to give way. It is not told what was used after the last slice; see Result.Fuel.
	Spend(fuel int64) bool
	// GiveWay returns when the run may go on, and false where it is to end, since the
	// context of Run has. The time until then does not count toward WallMillisPerRun.
	GiveWay() bool
	// Charge is told of work that the host does for a run beside its fuel, in units that
	// fuel would be for as much: an instance that is made, the fuel of its start, memory
	// that is put back.
	Charge(units int64)
	// Leave calls wait, which waits for others or the disk and not for the processor, and
	// returns as GiveWay does.
	Leave(wait func()) bool
}

// Question is the kind of a Read.
type Question uint8

// The questions that a guest can ask.
const (
	AskInput Question = iota
	AskArgument
	AskClaim
	AskPermitted
)

// Read is one distinct question that a run asked, with the answer it got.
type Read struct {
	Question Question
	Kind     abi.Kind // for AskInput
	Name     string   // for the others
	Value    []byte   // nil where absent, and for AskPermitted
	Present  bool     // the answer exists; for AskPermitted, it is yes
}

// String spells the read as the test vectors do: "event", "argument above".
func (r Read) String() string {
	switch r.Question {
	case AskArgument:
		return "argument " + r.Name
	case AskClaim:
		return "claim " + r.Name
	case AskPermitted:
		return "permitted " + r.Name
	default:
		return r.Kind.String()
	}
}

// same reports whether both ask the same thing.
func (r *Read) same(question Question, kind abi.Kind, name []byte) bool {
	return r.Question == question && r.Kind == kind && r.Name == string(name)
}
