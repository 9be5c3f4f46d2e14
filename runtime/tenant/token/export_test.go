package token

import (
	"context"
	"net"
)

// SetFetch has keys come from elsewhere than the network.
func (v *Verifier) SetFetch(fetch func(ctx context.Context, url string) ([]byte, error)) {
	v.fetch = fetch
}

// FetchOver fetches over connections that dial gives.
func FetchOver(config Config, dial func(context.Context, string, string) (net.Conn, error), url string) ([]byte, error) {
	f := newFetcher(config)
	f.transport.DialContext = dial
	return f.fetch(context.Background(), url)
}

// Guard is what a dialer asks about an address.
func Guard(config Config, address string) error { return guard(config.Allow)("tcp", address, nil) }

// Proxied tells whether fetches may go through a proxy.
func Proxied() bool { return newFetcher(Config{}).transport.Proxy != nil }
