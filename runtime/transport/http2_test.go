package transport_test

import (
	"bufio"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/transport"
)

// TestQuietStreamOverHTTP2 has nothing to say for longer than a write may take:
// there a deadline ends a stream even while nothing is being written.
func TestQuietStreamOverHTTP2(t *testing.T) {
	onStage(t, func(c *transport.Config) { c.KeepAlive = time.Hour }, func(s *stage) {
		client := &http.Client{Transport: &http.Transport{DialContext: s.dialer().NetDialContext, Protocols: new(http.Protocols)}}
		client.Transport.(*http.Transport).Protocols.SetUnencryptedHTTP2(true)
		defer client.CloseIdleConnections()
		r, err := http.NewRequestWithContext(s.Context(), "GET", "http://localhost/t/demo/graphql?query=subscription+a", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.ProtoMajor != 2 || response.StatusCode != 200 {
			t.Fatal(response.Proto, response.Status)
		}
		body := bufio.NewReader(response.Body)
		for _, want := range []string{":\n\n", "event: next\ndata: 1\n\n", "event: next\ndata: 1\n\n"} {
			got := make([]byte, len(want))
			if _, err := io.ReadFull(body, got); err != nil || string(got) != want {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
			time.Sleep(time.Minute)
			s.script.sub("a").next("1")
		}
	})
}
