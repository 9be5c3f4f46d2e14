package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// cancelling ends a context when something is written.
type cancelling struct {
	bytes.Buffer
	cancel func()
}

func (c *cancelling) Write(b []byte) (int, error) {
	defer c.cancel()
	return c.Buffer.Write(b)
}

func TestSubscribeInterrupted(t *testing.T) {
	url := serve(t, func(p peer) error {
		return errors.Join(
			p.greet(simple), p.say(`{"id":"1","type":"next","payload":{"data":1}}`),
			p.expect(`{"id":"1","type":"complete"}`), p.expectClose(),
		)
	})
	clearEnvironment(t)
	ctx, cancel := context.WithCancel(t.Context())
	out, errors := cancelling{cancel: cancel}, bytes.Buffer{}
	code := run(ctx, []string{"subscribe", "--server", url, "{a}"}, nil, &out, &errors)
	if code != exitDone || out.String() != `{"data":1}`+"\n" || errors.Len() > 0 {
		t.Errorf("exit %d: %s%s", code, &out.Buffer, &errors)
	}
}

func TestSubscribeInterruptedWhileDialing(t *testing.T) {
	url, accepted := silent(t)
	clearEnvironment(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-accepted
		cancel()
	}()
	var out, errors bytes.Buffer
	code := run(ctx, []string{"subscribe", "--server", url, "{a}"}, nil, &out, &errors)
	if code != exitDone || out.Len()+errors.Len() > 0 {
		t.Errorf("exit %d: %s%s", code, &out, &errors)
	}
}

// The client pings while the server is quiet, and gives up when nothing at all
// comes back.
func TestSubscribeKeepsAlive(t *testing.T) {
	for name, test := range map[string]struct {
		interval time.Duration
		rest     func(peer) error
		want     string
	}{
		"answered": {
			200 * time.Millisecond,
			func(p peer) error {
				return errors.Join(p.expect(`{"type":"ping"}`), p.say(`{"type":"pong"}`), p.expect(`{"type":"ping"}`),
					p.say(`{"id":"1","type":"complete"}`), p.expectClose())
			},
			"<nil>",
		},
		"unanswered": {
			10 * time.Millisecond,
			func(p peer) error {
				_, err := io.Copy(io.Discard, p.NetConn())
				return err
			},
			"nothing was heard from the server for 30ms",
		},
	} {
		url := serve(t, func(p peer) error { return errors.Join(p.greet(simple), test.rest(p)) })
		base, err := parseServer(url)
		if err != nil {
			t.Fatal(err)
		}
		c := subscribe{remote: remote{tenant: "demo", timeout: time.Minute, base: base}, operation: "{a}", interval: test.interval}
		var out bytes.Buffer
		if err := c.run(t.Context(), streams{out: &out}); fmt.Sprint(err) != test.want || out.Len() > 0 {
			t.Errorf("%s: %v, %s; want %s", name, err, &out, test.want)
		}
	}
}

// broken is an output that nobody reads.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestSubscribeToBrokenOutput(t *testing.T) {
	url := serve(t, func(p peer) error {
		return errors.Join(p.greet(simple), p.say(`{"id":"1","type":"next","payload":1}`), p.expectClose())
	})
	clearEnvironment(t)
	var errors bytes.Buffer
	code := run(t.Context(), []string{"subscribe", "--server", url, "{a}"}, nil, broken{}, &errors)
	if code != exitFailed || !strings.Contains(errors.String(), io.ErrClosedPipe.Error()) {
		t.Errorf("exit %d: %s", code, &errors)
	}
}
