// Command gqlgen is a server with native resolvers on gqlgen's own WebSocket
// transport, to compare with: a channel for each subscriber, and an index by customer
// written by hand.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/runnel-dev/runnel/cmd/bench/gqlgen/graph"
	"github.com/runnel-dev/runnel/runtime/bench"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "gqlgen:", err)
		os.Exit(1)
	}
}

func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	resolvers := graph.NewResolvers()
	graphql := handler.New(graph.NewExecutableSchema(graph.Config{Resolvers: resolvers}))
	graphql.AddTransport(transport.Websocket{}) // without pings
	graphql.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	mux := http.NewServeMux()
	mux.Handle("/graphql", graphql)
	mux.HandleFunc("POST /events", func(w http.ResponseWriter, r *http.Request) { publish(resolvers, w, r) })
	fmt.Printf("serving on %s (%s)\n", listener.Addr(), bench.Machine("github.com/99designs/gqlgen", "github.com/coder/websocket"))
	return http.Serve(listener, mux)
}

// publish takes one order a line.
func publish(resolvers *graph.Resolvers, w http.ResponseWriter, r *http.Request) {
	for orders := json.NewDecoder(r.Body); ; {
		o := &graph.Order{}
		err := orders.Decode(o)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		resolvers.Publish(o)
	}
	w.WriteHeader(http.StatusAccepted)
}
