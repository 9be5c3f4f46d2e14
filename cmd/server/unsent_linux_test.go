package main

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"
)

// TestUnsent writes to a client that reads nothing: the kernel takes what is on the
// way to it, and little more.
func TestUnsent(t *testing.T) {
	f, err := listen(t.Context(), "127.0.0.1:0", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.listener.Close() }()
	client, err := net.Dial("tcp", f.address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	conn, err := f.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, plain := conn.(*net.TCPConn); !plain {
		t.Errorf("the connection is a %T, to which no write leaves without waiting", conn)
	}
	piece := make([]byte, 16<<10)
	for taken := 0; ; {
		_ = conn.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := conn.Write(piece)
		if taken += n; taken > 1<<20 {
			t.Fatalf("the kernel took %d bytes and more", taken)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
