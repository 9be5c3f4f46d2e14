package runtime_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
)

// The server is an http.Handler: it lives beside other routes of a program.
func Example() {
	runtime.CompileMain() // first thing in main: modules are compiled in a child process of this program

	server, err := runtime.New(runtime.Config{Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Run(ctx) }()

	mux := http.NewServeMux()
	mux.Handle("/t/", server)
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") })
	web := httptest.NewServer(mux)

	// A tenant with a module whose resolver skips drafts.
	if err := server.CreateTenant(ctx, "acme", []byte(`{"fuelPerRun": 1000000}`)); err != nil {
		log.Fatal(err)
	}
	if err := server.Push(ctx, "acme", "orders", examples.OrdersRust); err != nil {
		log.Fatal(err)
	}

	// A subscriber. The query behind the subscription is answered once it is live.
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	socket, _, err := dialer.Dial(strings.Replace(web.URL, "http", "ws", 1)+"/t/acme/graphql", nil)
	if err != nil {
		log.Fatal(err)
	}
	send := func(message string) {
		if err := socket.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
			log.Fatal(err)
		}
	}
	read := func() {
		_, message, err := socket.ReadMessage()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(message))
	}
	send(`{"type":"connection_init"}`)
	read()
	send(`{"type":"subscribe","id":"1","payload":{"query":"subscription { orderUpdated { id status } }"}}`)
	send(`{"type":"subscribe","id":"2","payload":{"query":"{ __typename }"}}`)
	read()
	read()

	_, err = server.Publish(ctx, "acme",
		event.Event{Channel: "orders", Payload: []byte(`{"id":"o1","customerId":"c1","status":"DRAFT"}`)},
		event.Event{Channel: "orders", Payload: []byte(`{"id":"o2","customerId":"c1","status":"PAID"}`)})
	if err != nil {
		log.Fatal(err)
	}
	read()

	cancel()
	if err := <-done; err != nil {
		log.Fatal(err)
	}
	if err := server.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
	web.Close()
	// Output:
	// {"type":"connection_ack"}
	// {"id":"2","type":"next","payload":{"data":{"__typename":"Query"}}}
	// {"id":"2","type":"complete"}
	// {"id":"1","type":"next","payload":{"data":{"orderUpdated":{"id":"o2","status":"PAID"}}}}
}
