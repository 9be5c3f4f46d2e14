// Command floor is the least that a server can do to deliver an event: one write
// of one ready-made frame for each socket. It upgrades connections as
// graphql-transport-ws, whatever their operations are, and nothing of a message but
// the customer that is subscribed to and the customer of an event is looked at.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
	f := &floor{byCustomer: map[string][]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", f.upgrade)
	mux.HandleFunc("POST /events", f.publish)
	fmt.Printf("serving on %s\n", listener.Addr())
	fmt.Fprintln(os.Stderr, "floor:", http.Serve(listener, mux))
	os.Exit(1)
}

// floor holds the sockets: those that are told of all events, and the others by
// customer.
type floor struct {
	mu         sync.Mutex
	all        []int
	byCustomer map[string][]int
}

// upgrade takes the socket away from Go, so that nothing waits for it but the
// kernel: neither a goroutine nor a buffer.
func (f *floor) upgrade(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(accept[:]))
	if _, err := readMessage(buffered.Reader); err != nil { // connection_init
		return
	}
	if _, err := conn.Write(frame([]byte(`{"type":"connection_ack"}`))); err != nil {
		return
	}
	subscribe, err := readMessage(buffered.Reader)
	if err != nil {
		return
	}
	fd, err := takeSocket(conn)
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if customer := between(subscribe, `customerId: \"`, `\"`); customer == nil {
		f.all = append(f.all, fd)
	} else {
		f.byCustomer[string(customer)] = append(f.byCustomer[string(customer)], fd)
	}
}

// takeSocket returns a descriptor of the connection's socket that stays open when
// the connection is closed.
func takeSocket(conn net.Conn) (int, error) {
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		return 0, err
	}
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		return 0, err
	}
	return fd, syscall.SetNonblock(fd, true)
}

func (f *floor) publish(w http.ResponseWriter, r *http.Request) {
	events, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for event := range bytes.Lines(events) {
		event = bytes.TrimSpace(event)
		ready := frame(fmt.Appendf(nil, `{"id":"1","type":"next","payload":{"data":{"orderUpdated":%s}}}`, event))
		for _, fd := range f.all {
			write(fd, ready)
		}
		for _, fd := range f.byCustomer[string(between(event, `"customerId":"`, `"`))] {
			write(fd, ready)
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

// write is the one write. What a socket does not take is lost.
func write(fd int, b []byte) { _, _ = syscall.Write(fd, b) }

func between(b []byte, before, after string) []byte {
	_, b, found := bytes.Cut(b, []byte(before))
	if !found {
		return nil
	}
	b, _, _ = bytes.Cut(b, []byte(after))
	return b
}

// readMessage reads a client's frame of at most 64 KiB.
func readMessage(r *bufio.Reader) ([]byte, error) {
	head := make([]byte, 2, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := int(head[1] & 0x7F)
	if size == 127 {
		return nil, fmt.Errorf("message too long")
	}
	if size == 126 {
		if _, err := io.ReadFull(r, head[2:4]); err != nil {
			return nil, err
		}
		size = int(binary.BigEndian.Uint16(head[2:4]))
	}
	masked := make([]byte, 4+size)
	if _, err := io.ReadFull(r, masked); err != nil {
		return nil, err
	}
	key, payload := masked[:4], masked[4:]
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	return payload, nil
}

// frame makes a server's text frame.
func frame(payload []byte) []byte {
	head := []byte{0x81, byte(len(payload))}
	switch {
	case len(payload) >= 1<<16:
		head = binary.BigEndian.AppendUint64([]byte{0x81, 127}, uint64(len(payload)))
	case len(payload) >= 126:
		head = binary.BigEndian.AppendUint16([]byte{0x81, 126}, uint16(len(payload)))
	}
	return append(head, payload...)
}
