package tenant

// Limits are what one tenant may use. Each field is a row of Definitions,
// which gives its name on the surface, default, range and consequence. Limits
// are a plain value: copy it, change the copy, set it.
type Limits struct {
	FuelPerRun       int64
	FuelPerOperation int64
	FuelPerSecond    int64
	WallMillisPerRun int64
	MemoryBytes      int64
	MemoryTotalBytes int64
	Instances        int64
	OutputBytes      int64
	LogBytesPerRun   int64
	ParentsPerRun    int64
	PublishesPerRun  int64

	Modules     int64
	Versions    int64
	ModuleBytes int64
	SchemaBytes int64
	SchemaTypes int64
	ConfigBytes int64
	Keys        int64

	Connections                int64
	ConnectionsPerSubscriber   int64
	Subscriptions              int64
	SubscriptionsPerConnection int64
	OperationsPerSecond        int64
	DeliveriesPerSecond        int64
	DeliveredBytesPerSecond    int64
	QueueBytes                 int64
	MessageBytes               int64

	EventsPerSecond  int64
	EventBytes       int64
	IDWindow         int64
	RetentionBytes   int64
	RetentionEvents  int64
	RetentionSeconds int64

	ReplayEventsPerSecond int64

	QueryBytes     int64
	QueryTokens    int64
	QueryFields    int64
	QueryAliases   int64
	QueryDepth     int64
	VariablesBytes int64
	ListItems      int64
}

// InstanceBytes is what the memory of one instance may grow to.
func (l *Limits) InstanceBytes() int64 { return min(l.MemoryBytes, l.MemoryTotalBytes) }

// Definition describes one limit.
type Definition struct {
	Name    string // as requests and errors spell it
	Unit    string // plural
	Scope   string // what the limit counts
	Over    string // what happens over it
	Default int64
	Min     int64
	Max     int64 // no tenant can be given more

	field func(*Limits) *int64
}

// Value reads the limit.
func (d *Definition) Value(l *Limits) int64 { return *d.field(l) }

// Set writes the limit without a check of its range; see Limits.Validate.
func (d *Definition) Set(l *Limits, v int64) { *d.field(l) = v }

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

var definitions = [...]Definition{
	{
		"fuelPerRun", "units of fuel", "one run of a resolver", "the run ends with FUEL_EXHAUSTED",
		10_000_000, 1_000, 10_000_000_000, func(l *Limits) *int64 { return &l.FuelPerRun },
	},
	{
		"fuelPerOperation", "units of fuel", "all runs of one query or mutation, or of one subscription for one event, shared ones as well, which is looked at before each run", "fields that are not resolved yet are null with FUEL_EXHAUSTED",
		100_000_000, 1_000, 100_000_000_000, func(l *Limits) *int64 { return &l.FuelPerOperation },
	},
	{
		"fuelPerSecond", "units of fuel", "all runs of the tenant in a second, on one node, shared ones once, and what the start of a module uses; counted when a run has ended", "queries and mutations are refused with LIMIT_EXCEEDED and retryAfterMs, over HTTP with the status 429; events and replays wait until nothing is owed, as over eventsPerSecond",
		10_000_000_000, 1_000, 10_000_000_000_000, func(l *Limits) *int64 { return &l.FuelPerSecond },
	},
	{
		"wallMillisPerRun", "milliseconds", "one run of a resolver, by the clock", "the run ends with LIMIT_EXCEEDED",
		1_000, 10, 60_000, func(l *Limits) *int64 { return &l.WallMillisPerRun },
	},
	{
		"memoryBytes", "bytes", "linear memory of one instance, in whole pages of 64 KiB", "memory.grow gives -1; a trap after it is MEMORY_LIMIT",
		16 * mib, 64 * kib, 1 * gib, func(l *Limits) *int64 { return &l.MemoryBytes },
	},
	{
		"memoryTotalBytes", "bytes", "linear memory that the instances of the tenant which run at the same time may grow to, on one node", "runs wait for others to end",
		64 * mib, 64 * kib, 64 * gib, func(l *Limits) *int64 { return &l.MemoryTotalBytes },
	},
	{
		"instances", "instances", "instances of the tenant that run at the same time, on one node", "runs wait for an instance",
		4, 1, 256, func(l *Limits) *int64 { return &l.Instances },
	},
	{
		"outputBytes", "bytes", "the output of one run", "the run ends with LIMIT_EXCEEDED",
		1 * mib, 1 * kib, 16 * mib, func(l *Limits) *int64 { return &l.OutputBytes },
	},
	{
		"logBytesPerRun", "bytes", "log lines of one run, each with 32 bytes besides its text", "the line is cut and marked, and further ones are dropped",
		16 * kib, 0, 1 * mib, func(l *Limits) *int64 { return &l.LogBytesPerRun },
	},
	{
		"parentsPerRun", "parents", "the parents of one run for a field of an object type", "more parents are resolved in several runs",
		1_000, 1, 100_000, func(l *Limits) *int64 { return &l.ParentsPerRun },
	},
	{
		"publishesPerRun", "events", "events that one mutation run publishes", "publish returns 1 to the guest",
		16, 0, 1_000, func(l *Limits) *int64 { return &l.PublishesPerRun },
	},
	{
		"modules", "modules", "modules of the tenant", "an upload under a new name is refused with LIMIT_EXCEEDED",
		20, 0, 1_000, func(l *Limits) *int64 { return &l.Modules },
	},
	{
		"versions", "versions", "versions kept of one module", "the oldest version that is neither active nor the one to roll back to is dropped",
		20, 3, 1_000, func(l *Limits) *int64 { return &l.Versions },
	},
	{
		"moduleBytes", "bytes", "one uploaded module", "the upload is refused with LIMIT_EXCEEDED",
		4 * mib, 1 * kib, 64 * mib, func(l *Limits) *int64 { return &l.ModuleBytes },
	},
	{
		"schemaBytes", "bytes", "the SDL of all active modules together", "upload and activation are refused with LIMIT_EXCEEDED",
		2 * mib, 1 * kib, 16 * mib, func(l *Limits) *int64 { return &l.SchemaBytes },
	},
	{
		"schemaTypes", "types", "types of the composed schema that modules declare", "upload and activation are refused with LIMIT_EXCEEDED",
		2_000, 1, 20_000, func(l *Limits) *int64 { return &l.SchemaTypes },
	},
	{
		"configBytes", "bytes", "the config of one module", "the config is refused with LIMIT_EXCEEDED",
		64 * kib, 0, 1 * mib, func(l *Limits) *int64 { return &l.ConfigBytes },
	},
	{
		"keys", "keys", "API keys of the tenant", "a new key is refused with LIMIT_EXCEEDED",
		50, 0, 1_000, func(l *Limits) *int64 { return &l.Keys },
	},
	{
		"connections", "connections", "sockets that were acknowledged and event streams, on one node", "instead of its acknowledgement a new socket gets the close code 1013, which clients retry; a new stream is refused with LIMIT_EXCEEDED",
		100_000, 0, 10_000_000, func(l *Limits) *int64 { return &l.Connections },
	},
	{
		"connectionsPerSubscriber", "connections", "of those connections the ones of one verified subject; subscribers without a subject are not counted", "as over connections",
		100, 1, 1_000_000, func(l *Limits) *int64 { return &l.ConnectionsPerSubscriber },
	},
	{
		"subscriptions", "subscriptions", "live subscriptions, on one node", "a new subscription is refused with LIMIT_EXCEEDED",
		200_000, 0, 10_000_000, func(l *Limits) *int64 { return &l.Subscriptions },
	},
	{
		"subscriptionsPerConnection", "subscriptions", "live operations of one socket", "a new operation is refused with LIMIT_EXCEEDED",
		100, 1, 10_000, func(l *Limits) *int64 { return &l.SubscriptionsPerConnection },
	},
	{
		"operationsPerSecond", "operations", "operations that subscribers send in a second, on one node, however they end; as many may come at once", "the operation is refused before it is parsed, with LIMIT_EXCEEDED and retryAfterMs; over HTTP with the status 429",
		10_000, 1, 1_000_000, func(l *Limits) *int64 { return &l.OperationsPerSecond },
	},
	{
		"deliveriesPerSecond", "responses", "responses that one subscription is sent in a second; as many may come at once", "a field with overflow: LATEST leaves out all but the newest event of each key until there is room; others wait within queueBytes",
		10_000, 1, 1_000_000, func(l *Limits) *int64 { return &l.DeliveriesPerSecond },
	},
	{
		"deliveredBytesPerSecond", "bytes", "responses that connections take for subscriptions in a second, as JSON without frames, on one node; counted when an event was handed out", "events and replays wait until nothing is owed, as over eventsPerSecond",
		1 * gib, 1 * kib, 64 * gib, func(l *Limits) *int64 { return &l.DeliveredBytesPerSecond },
	},
	{
		"queueBytes", "bytes", "frames that wait for one socket, events that wait for one event stream, beside the largest", "the slow consumer's socket closes with 1013, its stream ends",
		1 * mib, 4 * kib, 64 * mib, func(l *Limits) *int64 { return &l.QueueBytes },
	},
	{
		"messageBytes", "bytes", "one message of a subscriber, or one GraphQL request body", "the socket closes with 1009; the request is refused with LIMIT_EXCEEDED",
		256 * kib, 1 * kib, 8 * mib, func(l *Limits) *int64 { return &l.MessageBytes },
	},
	{
		"eventsPerSecond", "events", "events that are handed out in a second, on one node; as many may be at once", "events wait, in their order; where as many wait as come in 10 seconds, or 65,536, or 64 MiB, publishers are answered 429 with LIMIT_EXCEEDED and Retry-After, and nothing of the request is accepted; 413 where it has more than may ever wait; a mutation that published them ends with LIMIT_EXCEEDED",
		10_000, 1, 1_000_000, func(l *Limits) *int64 { return &l.EventsPerSecond },
	},
	{
		"eventBytes", "bytes", "the payload of one event", "the event is refused with LIMIT_EXCEEDED",
		64 * kib, 1, 8 * mib, func(l *Limits) *int64 { return &l.EventBytes },
	},
	{
		"idWindow", "seconds", "how long the id of a published event is remembered; the newest 100,000 are, older ones may be forgotten before", "an event of that id is new",
		600, 0, 86_400, func(l *Limits) *int64 { return &l.IDWindow },
	},
	{
		"retentionBytes", "bytes", "events kept for subscribers who come back, with what the bus needs beside them", "the oldest events are dropped soon; who asks for them is told GAP",
		16 * mib, 0, 64 * gib, func(l *Limits) *int64 { return &l.RetentionBytes },
	},
	{
		"retentionEvents", "events", "events kept for subscribers who come back", "as over retentionBytes",
		100_000, 0, 100_000_000, func(l *Limits) *int64 { return &l.RetentionEvents },
	},
	{
		"retentionSeconds", "seconds", "the age of events kept for subscribers who come back", "as over retentionBytes",
		3_600, 1, 31 * 86_400, func(l *Limits) *int64 { return &l.RetentionSeconds },
	},
	{
		"replayEventsPerSecond", "events", "past events that are read in a second for subscribers who come back and are still there, on one node, each once for all who come back together; as many may come at once", "their replays wait",
		20_000, 1, 10_000_000, func(l *Limits) *int64 { return &l.ReplayEventsPerSecond },
	},
	{
		"queryBytes", "bytes", "the text of one operation", "the operation is refused with LIMIT_EXCEEDED",
		64 * kib, 1 * kib, 1 * mib, func(l *Limits) *int64 { return &l.QueryBytes },
	},
	{
		"queryTokens", "tokens", "the tokens of one operation", "the operation is refused with LIMIT_EXCEEDED",
		5_000, 100, 100_000, func(l *Limits) *int64 { return &l.QueryTokens },
	},
	{
		"queryFields", "selections", "the selections of one request's text, as written and with fragments expanded", "the operation is refused with LIMIT_EXCEEDED",
		2_000, 10, 20_000, func(l *Limits) *int64 { return &l.QueryFields },
	},
	{
		"queryAliases", "aliases", "the aliases of one request's text, as written and with fragments expanded", "the operation is refused with LIMIT_EXCEEDED",
		200, 1, 20_000, func(l *Limits) *int64 { return &l.QueryAliases },
	},
	{
		"queryDepth", "levels", "the nesting of fields in one operation", "the operation is refused with LIMIT_EXCEEDED",
		20, 1, 100, func(l *Limits) *int64 { return &l.QueryDepth },
	},
	{
		"variablesBytes", "bytes", "the variables of one operation", "the operation is refused with LIMIT_EXCEEDED",
		64 * kib, 2, 4 * mib, func(l *Limits) *int64 { return &l.VariablesBytes },
	},
	{
		"listItems", "items", "the items of one list in a response", "the list is null with the error LIMIT_EXCEEDED",
		10_000, 1, 1_000_000, func(l *Limits) *int64 { return &l.ListItems },
	},
}

// Definitions returns all limits in the order of the documentation. The caller
// owns the slice.
func Definitions() []Definition { return append([]Definition(nil), definitions[:]...) }

// DefaultLimits are the limits of a tenant that was given none.
func DefaultLimits() Limits {
	var l Limits
	for i := range definitions {
		definitions[i].Set(&l, definitions[i].Default)
	}
	return l
}

func lookup(name string) *Definition {
	for i := range definitions {
		if definitions[i].Name == name {
			return &definitions[i]
		}
	}
	return nil
}
