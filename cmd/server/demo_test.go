package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime"
)

// TestTheTrickleNeverEndsTheServer has users do to the tenant demo what they
// may do to any: run returns as soon as one of its tasks does.
func TestTheTrickleNeverEndsTheServer(t *testing.T) {
	for name, c := range map[string]struct{ limits, log string }{
		"deleted":      {"", ""},
		"small events": {`{"eventBytes":1}`, "eventBytes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, err := runtime.New(runtime.Config{Dev: true})
				if err != nil {
					t.Fatal(err)
				}
				if c.limits != "" {
					if err := server.CreateTenant(t.Context(), demoTenant, []byte(c.limits)); err != nil {
						t.Fatal(err)
					}
				}
				var log bytes.Buffer
				ctx, cancel := context.WithTimeout(t.Context(), 10*demoPause)
				defer cancel()
				if err := trickle(ctx, server, slog.New(slog.NewTextHandler(&log, nil))); err != nil || ctx.Err() == nil {
					t.Errorf("the trickle ended with %v", err)
				}
				if !strings.Contains(log.String(), c.log) || c.log == "" && log.Len() > 0 {
					t.Errorf("log %s", &log)
				}
				if err := server.Shutdown(context.Background()); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second) // what Shutdown ended in the background ends
			})
		})
	}
}

// TestGreetingNamesTheAddressThatServes: with --admin-listen, /v1 is not where the
// subscribers are.
func TestGreetingNamesTheAddressThatServes(t *testing.T) {
	var b bytes.Buffer
	greet(&b, "http://subscribers", "http://operators")
	for _, want := range []string{"runnel subscribe --server http://subscribers ", "runnel publish --server http://operators ", "runnel push --server http://operators ", "Or open http://subscribers/"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in the greeting:\n%s", want, &b)
		}
	}
}
