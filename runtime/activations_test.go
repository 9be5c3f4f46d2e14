package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/postgres"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

var (
	activations = flag.Int("activations", 1000/slowness, "how often TestActivations activates a version")
	subscribers = flag.Int("subscribers", 1000/slowness, "how many sockets TestActivations has, with one subscription each")
)

// node is a whole server on a socket, one of those on a store.
type node struct {
	*runtime.Server
	t   testing.TB
	url string
	end func() // shuts it down; the end of the test does, too
}

func newNode(t testing.TB, config runtime.Config) *node {
	t.Helper()
	config.Dev = true
	server, err := runtime.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	running := make(chan error, 1)
	go func() { running <- server.Run(ctx) }()
	web := httptest.NewServer(server)
	end := sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-running, server.Shutdown(context.Background())); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		end()
		web.Close()
	})
	return &node{server, t, web.URL, end}
}

// request sends one to /v1 and returns the body of its answer, which must have
// that status.
func (n *node) request(method, path, contentType string, body []byte, status int) ([]byte, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, n.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err == nil && answer.StatusCode != status {
		err = fmt.Errorf("%s %s: %s %s", method, path, answer.Status, text)
	}
	return text, err
}

// upload keeps a version without activating it, and returns its digest.
func (n *node) upload(module []byte) string {
	n.t.Helper()
	text, err := n.request("PUT", "/v1/tenants/acme/modules/ticks", "application/wasm", module, http.StatusCreated)
	var answer struct{ Digest string }
	if err = errors.Join(err, json.Unmarshal(text, &answer)); err != nil {
		n.t.Fatal(err)
	}
	return answer.Digest
}

func (n *node) activate(digest string) error {
	_, err := n.request("POST", "/v1/tenants/acme/modules/ticks/activate", "application/json", []byte(`{"digest":"`+digest+`"}`), http.StatusOK)
	return err
}

// ticks is a version whose output comes of three runs, two of which tell which
// version it is.
func ticks(version string) []byte {
	g := sandboxtest.New(`type Tick { number: Int! first: String! second: String! } type Subscription { tick: Tick @on(channel: "ticks") }`)
	g.Resolver("Subscription.tick", g.Echo(abi.InputEvent))
	g.Resolver("Tick.first", g.Output(`["`+version+`"]`))
	g.Resolver("Tick.second", g.Output(`["`+version+`"]`))
	return g.Bytes()
}

// versions are activated in turn, but for the last one, which comes at the end.
var versions = []string{"even", "odd", "last"}

// tick publishes an event.
func (n *node) tick(number int) {
	n.t.Helper()
	if _, err := n.Publish(n.t.Context(), "acme", event.Event{Channel: "ticks", Payload: fmt.Appendf(nil, `{"number":%d}`, number)}); err != nil {
		n.t.Fatal(err)
	}
}

// waitFor returns when a version is active on the node, and how long that took.
func (n *node) waitFor(digest string) time.Duration {
	begin := time.Now()
	for {
		text, err := n.request("GET", "/v1/tenants/acme/modules/ticks", "", nil, http.StatusOK)
		took := time.Since(begin)
		switch {
		case err == nil && bytes.Contains(text, []byte(`"active":"`+digest)):
			return took
		case took > time.Minute:
			n.t.Errorf("after %s: %s, %v", took, text, err)
			return took
		}
	}
}

// TestActivations activates versions in turn under live subscriptions and steady
// events. No socket is closed, each subscription gets each event once and in order,
// and each event is wholly one version's, the same for all.
func TestActivations(t *testing.T) {
	for name, cluster := range map[string]func(t *testing.T) (changed, serving *node){
		"one node": func(t *testing.T) (changed, serving *node) {
			n := newNode(t, runtime.Config{})
			return n, n
		},
		"on another node": func(t *testing.T) (changed, serving *node) {
			url := postgrestest.Database(t)
			return newNode(t, runtime.Config{Store: openPostgres(t, url)}), newNode(t, runtime.Config{Store: openPostgres(t, url)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			changed, serving := cluster(t)
			testActivations(t, changed, serving)
		})
	}
}

func openPostgres(t *testing.T, url string) store.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func testActivations(t *testing.T, changed, serving *node) {
	if err := changed.CreateTenant(t.Context(), "acme", []byte(fmt.Sprintf(`{"connections":%d}`, *subscribers+10))); err != nil {
		t.Fatal(err)
	}
	var digests []string
	for _, version := range versions {
		digests = append(digests, changed.upload(ticks(version)))
	}
	if err := changed.activate(digests[0]); err != nil {
		t.Fatal(err)
	}
	serving.waitFor(digests[0])
	audience := newAudience(t, serving.url, *subscribers)

	const leastEvents = 100
	done, enough := make(chan error, 1), make(chan struct{}) // enough events
	var took, followed time.Duration                         // written before done
	made := 0                                                // the same
	go func() {
		begin := time.Now()
		for over := false; !over; made++ {
			if err := changed.activate(digests[(made+1)%2]); err != nil {
				done <- err
				return
			}
			select {
			case <-enough:
				over = made+1 >= *activations
			default:
			}
		}
		took = time.Since(begin)
		err := changed.activate(digests[2])
		followed = serving.waitFor(digests[2])
		done <- err
	}()
	steady := time.NewTicker(30 * time.Millisecond)
	defer steady.Stop()
	number := 0
	for over := false; !over; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			over = true
		case <-steady.C:
			number++
			serving.tick(number)
			audience.wait(number - 1) // the next one is under way while this one is read
			if number == leastEvents {
				close(enough)
			}
		}
	}
	number++
	serving.tick(number)
	audience.wait(number)
	if got, want := audience.version(number), versions[2]; got != want {
		t.Errorf("an event after the last activation is of version %q, want %q", got, want)
	}
	switches := 0
	for n := 2; n <= number; n++ {
		if audience.version(n) != audience.version(n-1) {
			switches++
		}
	}
	if switches < number/20 {
		t.Errorf("the version changed %d times in %d events", switches, number)
	}
	audience.leave()
	t.Logf("%d activations in %s under %d subscriptions; %d events, between which the version changed %d times; the last one served at most %s after it was answered",
		made, took.Round(time.Millisecond), *subscribers, number, switches, followed.Round(time.Millisecond))
}
