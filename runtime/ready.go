package runtime

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Ready returns nil while the server takes subscribers and brings them events,
// and else why it does not. /readyz says the same.
//
// It waits for the modules of all tenants that the store had when Run began; a module that
// cannot be loaded keeps nothing from being ready. A tenant that fails for a minute is not waited
// for any longer, so that one cannot keep a node from serving thousands: it is tried again, and
// who asks for it gets 503. Where more than half of them fail, the store or this node is to blame, and it stays
// unready. The server serves before as well: who asks for a tenant that is not
// loaded yet waits for that one.
func (s *Server) Ready() error {
	switch {
	case s.Draining():
		return errors.New("the server is shutting down")
	case !s.began.Load():
		return errors.New("the server is starting")
	}
	return s.follower.ready()
}

// namedFailing is how many tenants /readyz names.
const namedFailing = 20

// serveReady answers /readyz for everybody, who learns no tenant's name.
func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) { s.writeReady(w, false) }

// serveReadyNamed answers /readyz for operators. A probe may have any Host, and what
// could be a page in an operator's browser reads no names: see localOnly.
func (s *Server) serveReadyNamed(w http.ResponseWriter, r *http.Request) {
	s.writeReady(w, !misnamed(r))
}

func (s *Server) writeReady(w http.ResponseWriter, named bool) {
	status, text := http.StatusOK, "ready"
	if err := s.Ready(); err != nil {
		status, text = http.StatusServiceUnavailable, err.Error()
	}
	if failing := s.follower.failing(); len(failing) > 0 {
		text += fmt.Sprintf("\ntenants that are not here as the store has them, and are tried again: %d", len(failing))
		if named {
			text += "\n" + strings.Join(failing[:min(namedFailing, len(failing))], "\n")
		}
		if named && len(failing) > namedFailing {
			text += "\n…"
		}
	}
	plain(w, status, text)
}
