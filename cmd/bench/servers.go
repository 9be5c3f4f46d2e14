//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/runnel-dev/runnel/plugins/examples"
)

// kind is one of the servers that are compared.
type kind struct {
	name  string
	start func(ctx context.Context, c *config) (*server, error)
}

var kinds = []kind{
	{"runnel", startRunnel},
	{"floor", startPeer("floor", func(c *config) []string { return []string{filepath.Join(c.bin, "bench-floor")} })},
	{"gqlgen", startPeer("gqlgen", func(c *config) []string { return []string{filepath.Join(c.bin, "bench-gqlgen")} })},
	{"node", startPeer("node", func(c *config) []string { return []string{c.node, filepath.Join(c.graphqlws, "newest/server.mjs")} })},
	{"graphql16", startPeer("graphql16", func(c *config) []string { return []string{c.node, filepath.Join(c.graphqlws, "graphql16/server.mjs")} })},
}

// startPeer starts a server that takes a stranger's orders as they are.
func startPeer(name string, command func(*config) []string) func(context.Context, *config) (*server, error) {
	return func(ctx context.Context, c *config) (*server, error) {
		words := command(c)
		s, err := start(ctx, name, []string{"NODE_ENV=production"}, words[0], words[1:]...)
		if err != nil {
			return nil, err
		}
		s.socket = "/graphql"
		s.events = fmt.Sprintf("http://%s/events", s.address)
		return s, nil
	}
}

// adminToken is for a server that lives for a minute and holds nothing.
const adminToken = "benchmark-benchmark-benchmark-benchmark"

// limits raise what keeps one tenant from using up the server, which here is alone.
const limits = `{"eventsPerSecond":1000000,"operationsPerSecond":1000000}`

// modules are the resolvers that -module names.
var modules = map[string][]byte{"rust": examples.OrdersRust, "assemblyscript": examples.OrdersAssemblyScript}

// startRunnel starts runnel-server as an operator would, with one tenant and one
// module, and subscribers who need no token.
func startRunnel(ctx context.Context, c *config) (*server, error) {
	data, err := os.MkdirTemp("", "runnel-bench")
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, "runnel", []string{"RUNNEL_ADMIN_TOKEN=" + adminToken},
		filepath.Join(c.bin, "runnel-server"), "--listen", "127.0.0.1:0", "--data", data, "--drain", "1s")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	s.cleanUp = func() error { return os.RemoveAll(data) }
	s.header.Set("Authorization", "Bearer "+adminToken)
	s.socket = "/t/bench/graphql"
	api := fmt.Sprintf("http://%s/v1/tenants", s.address)
	s.events = api + "/bench/events"
	s.line = func(order []byte) []byte { return fmt.Appendf(nil, `{"channel":"orders","payload":%s}`, order) }
	for _, r := range []struct {
		method, url, contentType string
		body                     []byte
	}{
		{"POST", api, "application/json", []byte(`{"id":"bench","limits":` + limits + `}`)},
		{"PUT", api + "/bench/auth", "application/json", []byte(`{"mode":"anonymous","origins":["http://127.0.0.1"]}`)},
		{"PUT", api + "/bench/modules/orders?activate=true", "application/wasm", modules[c.module]},
	} {
		if _, err := s.request(ctx, r.method, r.url, r.contentType, r.body); err != nil {
			return nil, errors.Join(err, s.stop())
		}
	}
	return s, nil
}
