package graph

// Delivery is one response of a subscription, as it is handed to who sends it.
type Delivery struct {
	// Response is a whole GraphQL response as JSON, an object without a member
	// extensions: that is Runnel's own. It is borrowed for the call, and shared: who
	// sends it copies what he keeps and changes nothing.
	Response []byte
	// Cursor is where the subscription goes on behind the response; empty where none
	// was asked for.
	Cursor string
	// Key is not empty where the response stands for an event of a channel that the
	// field is on with overflow: LATEST. While it waits, one that comes later and has the same key
	// may be sent in its place. It is made once for all subscriptions of the field.
	Key string
	// Now is the time, in nanoseconds since 1970: reading the clock would be much of
	// what a delivery costs.
	Now int64
}
