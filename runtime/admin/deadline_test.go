package admin_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// TestSlowBodies holds that whoever announces a body and does not send it is
// answered all the same, with a token or without.
func TestSlowBodies(t *testing.T) {
	for name, test := range map[string]struct {
		token  string
		body   time.Duration
		status int
	}{
		"with the token": {"right", 20 * time.Millisecond, http.StatusRequestTimeout},
		"with another":   {"wrong", time.Hour, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			h := admin.New(admin.Config{Store: memory.New(), Tenants: tenanttest.Directory(), Token: "right"})
			admin.SetTimes(h, test.body, 20*time.Millisecond)
			server := httptest.NewServer(h)
			defer server.Close()
			c, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Fatal(err)
			}
			_, err = fmt.Fprintf(c, "POST /v1/tenants HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
				"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{", test.token)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != test.status || !answer.Close {
				t.Errorf("got %s, closing %t; want %d and a close", answer.Status, answer.Close, test.status)
			}
		})
	}
}
