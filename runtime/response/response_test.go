package response_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/response"
)

// onPipe serves one connection without buffers in a bubble, and expects that
// nothing is left of it.
func onPipe(t *testing.T, handler http.HandlerFunc, test func(t *testing.T, near net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		conns := make(chan net.Conn, 1)
		conns <- far
		server := &http.Server{Handler: handler}
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = server.Serve(listener(conns))
		}()
		test(t, near)
		_ = near.Close()
		_ = server.Close()
		<-served
	})
}

type listener chan net.Conn

func (l listener) Accept() (net.Conn, error) {
	c, ok := <-l
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l listener) Close() error { close(l); return nil }
func (listener) Addr() net.Addr { return &net.TCPAddr{} }

// A client that takes nothing is left after the time of one write, whatever the
// size of the answer.
func TestClientThatDoesNotRead(t *testing.T) {
	for name, body := range map[string][]byte{"no body": nil, "small": []byte("x"), "large": make([]byte, 3*response.MaxWriteBytes)} {
		t.Run(name, func(t *testing.T) {
			var took time.Duration
			onPipe(t, func(w http.ResponseWriter, _ *http.Request) {
				start := time.Now()
				status, kind := 200, "text/plain"
				if body == nil {
					status, kind = 204, ""
				}
				response.Write(w, status, kind, body)
				took = time.Since(start)
			}, func(t *testing.T, near net.Conn) {
				if _, err := io.WriteString(near, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if took != response.Timeout {
					t.Errorf("the handler returned after %v", took)
				}
			})
		})
	}
}

// A slow client gets all of a large answer as long as each piece is taken in
// time, and the next answer on its connection has a time of its own.
func TestSlowClient(t *testing.T) {
	body := strings.Repeat("x", 3*response.MaxWriteBytes)
	onPipe(t, func(w http.ResponseWriter, _ *http.Request) {
		response.Write(w, 200, "text/plain", []byte(body))
	}, func(t *testing.T, near net.Conn) {
		for range 2 {
			if _, err := io.WriteString(near, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			got, err := http.ReadResponse(bufio.NewReaderSize(slowReader{near}, response.MaxWriteBytes), nil)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(got.Body); err != nil || string(text) != body {
				t.Fatalf("%d bytes, %v", len(text), err)
			}
			time.Sleep(2 * response.Timeout)
		}
	})
}

// slowReader takes a while for what it reads.
type slowReader struct{ io.Reader }

func (r slowReader) Read(p []byte) (int, error) {
	time.Sleep(response.Timeout / 4)
	return r.Reader.Read(p)
}
