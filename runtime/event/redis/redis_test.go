package redis_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
	"github.com/runnel-dev/runnel/runtime/event/redis"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := redistest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func open(t testing.TB, url string) event.Bus {
	t.Helper()
	var bus event.Bus
	var err error
	eventually(t, "the bus opens", func() bool { // which a Redis that gets no processor makes it give up
		bus, err = event.Open(t.Context(), url, event.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
		return !errors.Is(err, event.ErrUnavailable)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bus.Close(); err != nil && !errors.Is(err, event.ErrClosed) {
			t.Error(err)
		}
	})
	return bus
}

func TestConformance(t *testing.T) {
	var url string
	eventtest.Conform(t, eventtest.Subject{
		Open: func(t *testing.T) event.Bus {
			url = redistest.URL(t)
			return open(t, url)
		},
		Another: func(t *testing.T) event.Bus { return open(t, url) },
		Limit:   redis.Limit,
	})
}
