package runtime_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/response"
)

// TestLongRequests has requests that take longer than a body may, once theirs
// has arrived, as an upload does that is compiled. By HTTP/2 no deadline of their
// connection may be left by then.
func TestLongRequests(t *testing.T) {
	for name, set := range map[string]func(*http.Protocols){
		"HTTP/1.1": func(p *http.Protocols) { p.SetHTTP1(true) },
		"HTTP/2.0": func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				protocols := new(http.Protocols)
				set(protocols)
				long := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					time.Sleep(time.Minute)
					response.Write(w, http.StatusOK, "text/plain", body)
				})
				server := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { runtime.Serve(long, w, r) })}
				pipes := make(pipes)
				served := make(chan struct{})
				go func() {
					defer close(served)
					_ = server.Serve(pipes)
				}()
				client := &http.Client{Transport: &http.Transport{DialContext: pipes.dial, Protocols: protocols}}
				for range 2 { // the second on the same connection
					answer, err := client.Post("http://localhost/", "text/plain", strings.NewReader("body"))
					if err != nil {
						t.Fatal(err)
					}
					text, err := io.ReadAll(answer.Body)
					if err != nil || string(text) != "body" || answer.Proto != name {
						t.Errorf("got %s %s %q, %v", answer.Proto, answer.Status, text, err)
					}
					_ = answer.Body.Close()
				}
				client.CloseIdleConnections()
				_ = server.Close()
				<-served
			})
		})
	}
}

// pipes is a listener whose clients are in the same bubble.
type pipes chan net.Conn

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	p <- far
	return near, nil
}

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error { close(p); return nil }
func (pipes) Addr() net.Addr { return &net.TCPAddr{} }
