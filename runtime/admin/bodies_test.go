package admin_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// TestBodiesInMemory: the bytes of requests that are under way are bounded, for each
// tenant and in all, whatever each of them may have.
func TestBodiesInMemory(t *testing.T) {
	const all, ofTenant, least = 10_000, 4_000, 500
	line := func(bytes int) string { return `{"channel":"c","payload":"` + strings.Repeat("x", bytes-29) + "\"}\n" }
	publish := func(s *stage, tenant, body string, during func()) int {
		w := s.send("POST", "/v1/tenants/"+tenant+"/events", "application/x-ndjson", body, token, during)
		if w.Code == http.StatusTooManyRequests {
			s.wantProblem(w, w.Code, abi.CodeLimitExceeded, "send it again later")
			if w.Header().Get("Retry-After") != "1" {
				s.t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
			}
		}
		return w.Code
	}
	// holding has a request of a tenant be under way, but for its last byte, while something happens.
	holding := func(s *stage, tenant string, bytes int, during func()) {
		s.send("POST", "/v1/tenants/"+tenant+"/events", "application/x-ndjson", line(bytes), token, during)
	}
	s := newStage(t)
	for _, id := range []string{"b", "c", "d"} {
		tenanttest.Create(t, s.tenants, id)
	}
	admin.SetBodies(s.Handler, all, ofTenant, least)
	holding(s, "acme", 3_000, func() {
		if code := publish(s, "acme", line(999), nil); code != http.StatusAccepted {
			t.Errorf("a request within the tenant's bound is answered %d", code)
		}
		if code := publish(s, "acme", line(1100), nil); code != http.StatusTooManyRequests {
			t.Errorf("a request over the tenant's bound is answered %d", code)
		}
		var form bytes.Buffer
		parts := multipart.NewWriter(&form)
		part, err := parts.CreateFormField("module")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(make([]byte, 2000))
		_ = parts.Close()
		w := s.send("PUT", "/v1/tenants/acme/modules/m", parts.FormDataContentType(), form.String(), token, nil)
		s.wantProblem(w, http.StatusTooManyRequests, abi.CodeLimitExceeded, "of this tenant")
		if len(s.published) != 1 {
			t.Errorf("%d events were published", len(s.published))
		}
	})
	if code := publish(s, "acme", line(9_000), nil); code != http.StatusAccepted {
		t.Errorf("one request, over the tenant's bound, is answered %d", code)
	}
	holding(s, "b", 3_500, func() {
		holding(s, "c", 3_500, func() {
			if code := publish(s, "acme", line(3_500), nil); code != http.StatusTooManyRequests {
				t.Errorf("a request over the bound of all is answered %d", code)
			}
			if code := publish(s, "acme", line(2_000), nil); code != http.StatusAccepted {
				t.Errorf("a request within the bound of all is answered %d", code)
			}
			holding(s, "d", 2_900, func() {
				if code := publish(s, "acme", line(least), nil); code != http.StatusAccepted {
					t.Errorf("a small request of a tenant that has no other is answered %d", code)
				}
				if code := publish(s, "acme", line(2*least), nil); code != http.StatusTooManyRequests {
					t.Errorf("a request over the bound of all is answered %d", code)
				}
			})
		})
	})
	if n, tenants := admin.Bodies(s.Handler); n != 0 || tenants != 0 {
		t.Errorf("%d bytes of %d tenants are left", n, tenants)
	}
}
