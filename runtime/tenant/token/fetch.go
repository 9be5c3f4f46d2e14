package token

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// MaxKeysBytes bounds a set of keys.
	MaxKeysBytes = 64 << 10
	fetchTime    = 5 * time.Second // for the whole of a fetch
	maxHeaders   = 16 << 10        // bytes of an answer's headers
)

// fetcher gets sets of keys.
type fetcher struct {
	client    http.Client
	transport *http.Transport
}

func newFetcher(config Config) *fetcher {
	dialer := &net.Dialer{Timeout: fetchTime, Control: guard(config.Allow)}
	// No proxy: it would connect to where the guard does not see. No connection is
	// kept: the next fetch is minutes away.
	transport := &http.Transport{
		DialContext: dialer.DialContext, DisableKeepAlives: true, DisableCompression: true,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.Roots},
		MaxResponseHeaderBytes: maxHeaders,
	}
	stay := func(*http.Request, []*http.Request) error { return errors.New("a redirect is not followed") }
	return &fetcher{http.Client{Transport: transport, CheckRedirect: stay}, transport}
}

// fetch returns what lies at a URL of https.
func (f *fetcher) fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if r.URL.Scheme != "https" {
		return nil, fmt.Errorf("the scheme is %q, not https", r.URL.Scheme)
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	r.Header.Set("User-Agent", "runnel")
	answer, err := f.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the status is %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, MaxKeysBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(text) > MaxKeysBytes {
		return nil, fmt.Errorf("the answer has more than %d bytes", MaxKeysBytes)
	}
	return text, nil
}
