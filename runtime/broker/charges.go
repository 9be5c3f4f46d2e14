package broker

// What work costs in the queue that is no guest's, in units of fuel; what the sandbox
// does beside a run's fuel, it charges itself (sandbox.Pace). 2,000 are
// about a microsecond, on a machine on which sliceUnits take guests a millisecond;
// docs/architecture.md tells what each covers.
const (
	runUnits           = 2_000  // a run, beside its fuel
	frameUnits         = 20_000 // a response delivered to a subscription, with the write to its socket
	skipUnits          = 200    // a subscription that an event is for, and no response
	byteUnits          = 20     // a byte of a response that is projected and encoded
	eventUnits         = 4_000  // an event that is matched
	eventByteUnits     = 10     // a byte of its payload, which is parsed
	lookUnits          = 50     // a subscription that is looked at in a replay
	replayUnits        = 10_000 // a past event, read from the bus
	operationUnits     = 40_000 // an operation that is validated and planned
	operationByteUnits = 400    // a byte of it, or of the variables that are coerced
	bindUnits          = 4_000  // an operation that is bound to variables and a subscriber
	regroupUnits       = 1_000  // a member that is looked at, or moved, when groups are chosen anew
	replanUnits        = 4_000  // a subscription that is moved to another version
)
