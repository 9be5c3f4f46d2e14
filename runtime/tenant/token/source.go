package token

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// fetchPause is the least time from one fetch of a tenant's keys to the next,
	// whatever tokens come.
	fetchPause = time.Minute
	// keysAge is how old keys may be without being fetched anew: one that its issuer
	// has withdrawn is believed for no longer, while the issuer answers.
	keysAge = 10 * time.Minute
)

// source is where one tenant's issuer publishes its keys. Keys that were fetched
// stay until others were: an issuer that is away locks nobody out.
type source struct {
	verifier  *Verifier
	tenant    string // its id
	url       string
	algorithm string

	mu struct {
		sync.Mutex
		keys    []publicKey   // never written
		fetched time.Time     // when keys were
		tried   time.Time     // when the last fetch began
		flight  chan struct{} // closed when the fetch under way has ended; nil where there is none
	}
}

// find returns the keys that a token names. Where it names one that is not there,
// and where keys are old, it waits for a fetch, if one may be made or is under way.
func (s *source) find(ctx context.Context, kid string, named bool) ([]any, error) {
	s.mu.Lock()
	chosen := choose(s.mu.keys, kid, named)
	if chosen != nil && time.Since(s.mu.fetched) < keysAge {
		s.mu.Unlock()
		return chosen, nil
	}
	s.beginLocked()
	flight := s.mu.flight
	s.mu.Unlock()
	if flight != nil {
		select {
		case <-flight:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	chosen = choose(s.mu.keys, kid, named)
	switch {
	case chosen != nil:
		return chosen, nil
	case s.mu.keys == nil:
		return nil, ErrUnavailable
	case !named:
		return nil, errors.New("token header: no kid, and there are several keys")
	}
	return nil, fmt.Errorf("token header: kid %.64q is none of the issuer's keys", kid)
}

// beginLocked begins a fetch, unless one is under way, or one was less than
// fetchPause ago.
func (s *source) beginLocked() {
	v := s.verifier
	if s.mu.flight != nil || !s.mu.tried.IsZero() && time.Since(s.mu.tried) < fetchPause {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.mu.closed {
		return
	}
	s.mu.tried, s.mu.flight = time.Now(), make(chan struct{})
	v.flights.Go(s.refresh)
}

// refresh fetches the keys.
func (s *source) refresh() {
	keys, err := s.download()
	if err != nil && s.verifier.context.Err() == nil {
		s.verifier.logger.Warn("an issuer's keys cannot be had", "tenant", s.tenant, "url", s.url, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.mu.keys, s.mu.fetched = keys, time.Now()
	}
	close(s.mu.flight)
	s.mu.flight = nil
}

func (s *source) download() ([]publicKey, error) {
	text, err := s.verifier.fetch(s.verifier.context, s.url)
	if err != nil {
		return nil, err
	}
	return parseKeys(text, s.algorithm)
}
