package runtime

import "errors"

// Ready returns nil while the server takes subscribers and brings them events,
// with the modules of all tenants that the store had when Run began, and else why it does
// not. /readyz says the same. A module that cannot be loaded keeps nothing from being ready;
// a store that fails does. The server serves before as well: who asks for a tenant that is not
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
