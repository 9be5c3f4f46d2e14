package broker

import "github.com/runnel-dev/runnel/runtime/jsondoc"

// What work costs in the queue that is no guest's, in units of fuel; what the sandbox
// does beside a run's fuel, it charges itself (sandbox.Pace). 2,000 are
// about a microsecond, on a machine on which sliceUnits take guests a millisecond;
// docs/architecture.md tells what each covers.
const (
	runUnits           = 6_000  // a run, beside its fuel, with what it takes to begin with a field
	answerBytesPerUnit = 4      // of a subscriber's answers, by which results are found
	frameUnits         = 20_000 // a response delivered to a subscription, with the write to its socket
	skipUnits          = 300    // a subscription that an event is for, and no response
	byteUnits          = 20     // a byte of a response that is projected and encoded
	outputByteUnits    = 50     // a byte of the outputs that it is made of, which are parsed
	eventUnits         = 4_000  // an event that is matched
	eventByteUnits     = 3      // a byte of its payload
	eventNodeUnits     = 180    // a value in it, or a key
	placeUnits         = 100    // a field, a set of conditions, or a condition that it is looked up by
	lookUnits          = 100    // a subscription that is looked at in a replay
	replayUnits        = 10_000 // a past event, read from the bus
	operationUnits     = 60_000 // an operation that is validated and planned
	operationByteUnits = 2_200  // a byte of it
	bindUnits          = 4_000  // an operation that is bound to variables and a subscriber
	variableByteUnits  = 160    // a byte of the variables that are coerced
	joinUnits          = 4_000  // a subscription that enters and leaves
	entryUnits         = 2_000  // each place that it has in the index beyond one
	regroupUnits       = 500    // a member that is looked at, or moved, when groups are chosen anew
	replanUnits        = 3_000  // a subscription that is moved to another version
)

// eventCost is what an event costs to be parsed and looked up.
func eventCost(payload *jsondoc.Document) int64 {
	return eventByteUnits*int64(len(payload.Text)) + eventNodeUnits*int64(len(payload.Nodes))
}
