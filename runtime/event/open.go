package event

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Options are settings of a bus that its URL does not hold.
type Options struct {
	// Logger receives what operators should know, such as lost connections. Nil
	// discards.
	Logger *slog.Logger
}

// Driver opens a bus. Its errors don't show the password of the URL.
type Driver func(ctx context.Context, u *url.URL, options Options) (Bus, error)

var drivers = struct {
	sync.Mutex
	byScheme map[string]Driver
}{byScheme: map[string]Driver{}}

// Register adds a driver under the scheme of its URLs, in lower case. It is
// called by the init functions of drivers, and panics where the scheme is taken.
func Register(scheme string, driver Driver) {
	drivers.Lock()
	defer drivers.Unlock()
	if drivers.byScheme[scheme] != nil {
		panic("event: two drivers for the scheme " + scheme)
	}
	drivers.byScheme[scheme] = driver
}

// Open opens the bus of a URL, such as redis://localhost:6379/0; a scheme may stand alone, as
// memory does. The program must import the driver's package. An error says what
// is wrong with the URL, without showing it: it may hold a password.
func Open(ctx context.Context, address string, options Options) (Bus, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	scheme, rest, ok := strings.Cut(address, ":")
	scheme = strings.ToLower(scheme)
	drivers.Lock()
	driver := drivers.byScheme[scheme]
	known := slices.Sorted(maps.Keys(drivers.byScheme))
	drivers.Unlock()
	if driver == nil {
		return nil, fmt.Errorf("the address of the bus begins with none of the schemes that there are: %s", strings.Join(known, ", "))
	}
	u := &url.URL{Scheme: scheme}
	if ok {
		var err error
		if u, err = url.Parse(scheme + ":" + rest); err != nil {
			return nil, fmt.Errorf("the address of the bus, %s:…, is no URL; a password needs its special characters percent-encoded", scheme)
		}
	}
	bus, err := driver(ctx, u, options)
	if err != nil {
		return nil, fmt.Errorf("open the %s bus: %w", scheme, err)
	}
	return bus, nil
}
