package runtime

import "errors"

// Ready returns nil while the server takes subscribers and brings them events,
// and else why it does not. /readyz says the same.
func (s *Server) Ready() error {
	switch {
	case s.Draining():
		return errors.New("the server is shutting down")
	case !s.began.Load():
		return errors.New("the server is starting")
	}
	return nil
}
