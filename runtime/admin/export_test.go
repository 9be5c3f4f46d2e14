package admin

import (
	"net/http"
	"time"
)

// SetTimes replaces the times that bodies may take.
func SetTimes(h http.Handler, body, rest time.Duration) {
	own := h.(*handler)
	own.bodyTime, own.restTime = body, rest
}
