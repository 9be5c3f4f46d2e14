package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/bolt"
	"github.com/runnel-dev/runnel/runtime/store/postgres"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

var kills = flag.Int("kills", 4, "how often TestKill kills the server on each store")

// TestKill kills the server again and again, at random moments, while tenants are
// changed over HTTP. What was acknowledged is there afterwards; what was under way
// happened whole or not at all; each version has the bytes of its digest; and the
// active one serves.
func TestKill(t *testing.T) {
	t.Run("data", func(t *testing.T) {
		dir := t.TempDir()
		killLoop(t, []string{"--data", dir}, func() (store.Store, error) { return bolt.Open(filepath.Join(dir, storeFile)) })
	})
	t.Run("store", func(t *testing.T) {
		url := postgrestest.Database(t)
		killLoop(t, []string{"--data", t.TempDir(), "--store", url}, func() (store.Store, error) { return postgres.Open(t.Context(), url, nil) })
	})
}

func killLoop(t *testing.T, arguments []string, open func() (store.Store, error)) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	clients := make([]*client, 3)
	for i := range clients {
		clients[i] = &client{tenant: fmt.Sprint("t", i), random: rand.New(rand.NewPCG(seed, uint64(i+1))), versions: map[string]int{}}
	}
	p := start(t, arguments...)
	for range *kills {
		var work sync.WaitGroup
		for _, c := range clients {
			c.url = p.url
			work.Go(func() { c.work(t) })
		}
		// Nothing is waited for: the moment is at random.
		time.Sleep(time.Duration(r.Int64N(int64(1200 * time.Millisecond))))
		p.kill()
		work.Wait()
		checkBinaries(t, open)
		p = start(t, append([]string{"--listen", strings.TrimPrefix(p.url, "http://")}, arguments...)...)
		for _, c := range clients {
			c.check(t)
		}
	}
	acknowledged := 0
	for _, c := range clients {
		acknowledged += c.acknowledged
	}
	t.Logf("%d changes acknowledged, %d kills", acknowledged, *kills)
	if acknowledged == 0 {
		t.Error("nothing was acknowledged: the test is of no use")
	}
}

// client changes one tenant, one request after the other.
type client struct {
	url, tenant  string
	random       *rand.Rand
	versions     map[string]int // what a version answers, by digest, of all that were ever made
	acknowledged int

	known    state  // after the last request that was acknowledged
	possible *state // where the last one was not: after it
}

// state is what a tenant has.
type state struct {
	Exists   bool
	Limit    int // of versions
	Keys     int
	Active   string
	Previous string
	Kept     []string // digests, sorted
}

func (s state) clone() state {
	s.Kept = slices.Clone(s.Kept)
	return s
}

// change is one request, and what it makes of the state.
type change struct {
	method, path, contentType string
	body                      []byte
	apply                     func(*state)
}

func (c *client) work(t *testing.T) {
	for {
		next := c.next()
		after := c.known.clone()
		next.apply(&after)
		slices.Sort(after.Kept)
		status, text, err := c.send(next.method, next.path, next.contentType, next.body)
		if err != nil {
			c.possible = &after
			return // the server is dead
		}
		if status < 200 || status > 299 {
			t.Errorf("%s %s: %d %s", next.method, next.path, status, text)
			return
		}
		c.known = after
		c.acknowledged++
	}
}

// next chooses a request that a server must not refuse.
func (c *client) next() change {
	path := "/v1/tenants/" + c.tenant
	module := path + "/modules/m"
	if !c.known.Exists {
		return change{"POST", "/v1/tenants", "application/json", fmt.Appendf(nil, `{"id":%q}`, c.tenant), func(s *state) { *s = state{Exists: true, Limit: 20} }}
	}
	n := c.random.IntN(10)
	switch {
	case n == 0 || len(c.known.Kept) > 8:
		return change{"DELETE", path, "", nil, func(s *state) { *s = state{} }}
	case n == 1:
		limit := 10 + c.random.IntN(10)
		return change{"PATCH", path, "application/json", fmt.Appendf(nil, `{"limits":{"versions":%d}}`, limit), func(s *state) { s.Limit = limit }}
	case n == 2 && c.known.Keys < 5:
		return change{"POST", path + "/keys", "application/json", []byte(`{"scopes":["read"]}`), func(s *state) { s.Keys++ }}
	case n == 3 && c.known.Previous != "":
		return change{"POST", module + "/rollback", "", nil, func(s *state) { s.Active, s.Previous = s.Previous, s.Active }}
	case n < 6 && len(c.known.Kept) > 1:
		digest := c.known.Kept[c.random.IntN(len(c.known.Kept))]
		return change{"POST", module + "/activate", "application/json", fmt.Appendf(nil, `{"digest":%q}`, digest), func(s *state) { s.activate(digest) }}
	}
	bytes, digest := c.version()
	activate := n > 6 || c.known.Active == ""
	return change{"PUT", fmt.Sprintf("%s?activate=%t", module, activate), "application/wasm", bytes, func(s *state) {
		s.Kept = append(s.Kept, digest)
		if activate {
			s.activate(digest)
		}
	}}
}

func (s *state) activate(digest string) {
	if s.Active != digest {
		s.Active, s.Previous = digest, s.Active
	}
}

// version makes a module that answers a number of its own.
func (c *client) version() (module []byte, digest string) {
	number := len(c.versions) + 1
	g := sandboxtest.New("type Query { number: Int }")
	module = g.Resolver("Query.number", g.Output(fmt.Sprint(number))).Bytes()
	digest = digestOf(module)
	c.versions[digest] = number
	return module, digest
}

func digestOf(module []byte) string {
	sum := sha256.Sum256(module)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (c *client) send(method, path, contentType string, body []byte) (status int, text []byte, err error) {
	r, err := http.NewRequest(method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	text, err = io.ReadAll(answer.Body)
	return answer.StatusCode, text, errors.Join(err, answer.Body.Close())
}

// check holds what the server has against what it has acknowledged.
func (c *client) check(t *testing.T) {
	t.Helper()
	found, err := c.read()
	if err != nil {
		t.Errorf("tenant %s: %v", c.tenant, err)
		return
	}
	if !reflect.DeepEqual(found, c.known) && (c.possible == nil || !reflect.DeepEqual(found, *c.possible)) {
		t.Errorf("tenant %s is\n%+v, want\n%+v or\n%+v", c.tenant, found, c.known, c.possible)
	}
	c.known, c.possible = found, nil
	if found.Active == "" {
		return
	}
	want := fmt.Sprintf(`{"data":{"number":%d}}`, c.versions[found.Active])
	status, text, err := c.send("POST", "/t/"+c.tenant+"/graphql", "application/json", []byte(`{"query":"{number}"}`))
	if err != nil || status != http.StatusOK || strings.TrimSpace(string(text)) != want {
		t.Errorf("tenant %s serves %d %s (%v), want %s", c.tenant, status, text, err, want)
	}
}

// read asks for all that there is of the tenant.
func (c *client) read() (s state, err error) {
	path := "/v1/tenants/" + c.tenant
	var tenant struct{ Limits struct{ Versions int } }
	if found, err := c.get(path, &tenant); !found || err != nil {
		return state{}, err
	}
	s.Exists, s.Limit = true, tenant.Limits.Versions
	var keys struct{ Keys []struct{ ID string } }
	if _, err := c.get(path+"/keys", &keys); err != nil {
		return s, err
	}
	s.Keys = len(keys.Keys)
	var module struct {
		Active, Previous string
		Versions         []struct{ Digest string }
	}
	if _, err := c.get(path+"/modules/m", &module); err != nil {
		return s, err
	}
	s.Active, s.Previous = module.Active, module.Previous
	for _, v := range module.Versions {
		s.Kept = append(s.Kept, v.Digest)
	}
	slices.Sort(s.Kept)
	return s, nil
}

func (c *client) get(path string, into any) (found bool, err error) {
	status, text, err := c.send("GET", path, "", nil)
	switch {
	case err != nil:
		return false, err
	case status == http.StatusNotFound:
		return false, nil
	case status != http.StatusOK:
		return false, fmt.Errorf("GET %s: %d %s", path, status, text)
	}
	return true, json.Unmarshal(text, into)
}

// checkBinaries reads the store itself: each binary has the digest that it is
// under, and there are those of the versions that modules have, and no others.
func checkBinaries(t *testing.T, open func() (store.Store, error)) {
	t.Helper()
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(context.WithoutCancel(t.Context()), func(tx store.Tx) error {
		for i := range 3 {
			tenant := fmt.Sprint("t", i)
			there, named := map[string]bool{}, map[string]bool{}
			binaries, err := tx.Scan(store.Binaries, tenant, "", 1000)
			if err != nil {
				return err
			}
			for _, b := range binaries {
				there[b.ID] = true
				if digestOf(b.Value) != b.ID {
					t.Errorf("tenant %s: the version %s has the digest %s", tenant, b.ID, digestOf(b.Value))
				}
			}
			modules, err := tx.Scan(store.Modules, tenant, "", 1000)
			if err != nil {
				return err
			}
			for _, m := range modules {
				var record struct{ Versions []struct{ Digest string } }
				if json.Unmarshal(m.Value, &record) == nil { // the revision is of another kind
					for _, v := range record.Versions {
						named[v.Digest] = true
					}
				}
			}
			if !maps.Equal(there, named) {
				t.Errorf("tenant %s has the binaries %v, and modules with %v", tenant, there, named)
			}
		}
		return nil
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Error(err)
	}
}
