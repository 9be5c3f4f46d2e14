package admin

import (
	"net/http"
	"time"
)

const (
	// bodyTime is how long a body may take to arrive.
	bodyTime = 2 * time.Minute
	// restTime is how long the rest of a refused body may take. It is read, since
	// closing before would cost a quick sender the answer; but whoever may not ask
	// must not hold a connection by sending slowly.
	restTime = 5 * time.Second
)

// timeBody gives the body of r until limit from now. net/http lifts the deadline
// when the body has arrived whole, and before the next request.
func timeBody(w http.ResponseWriter, r *http.Request, limit time.Duration) {
	if r.Body != nil && r.Body != http.NoBody {
		// What is no connection, as in a test, has no deadline.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(limit))
	}
}
