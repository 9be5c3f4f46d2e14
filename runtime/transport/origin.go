package transport

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/runtime/response"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// allowOrigin applies the origin policy and sets the headers by which a browser
// lets a page read the response. Credentials mode is never allowed. t is nil
// where there is no such tenant.
func (h *Handler) allowOrigin(w http.ResponseWriter, r *http.Request, t *tenant.Tenant) bool {
	header := w.Header()
	if h.config.AllowOrigin == nil {
		header.Set("Access-Control-Allow-Origin", "*")
		return true
	}
	header.Add("Vary", "Origin")
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 || !h.config.AllowOrigin(origins[0], t) {
		return false
	}
	header.Set("Access-Control-Allow-Origin", origins[0])
	return true
}

// preflight answers a browser's question. Authorization must be named; the star
// covers all other headers.
func preflight(w http.ResponseWriter, timeout time.Duration) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "*, Authorization")
	h.Set("Access-Control-Max-Age", "600")
	h.Set("Allow", "GET, POST, OPTIONS")
	w.WriteHeader(http.StatusNoContent)
	_ = response.New(w, timeout).Write(nil)
}

// LoopbackOrigin is a policy for Config.AllowOrigin: pages that were served by
// this machine, to itself. An opaque origin ("null": a file, a sandboxed
// frame) is anybody's and therefore not one of them.
func LoopbackOrigin(origin string, _ *tenant.Tenant) bool {
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	return LoopbackHost(u.Host)
}

// LoopbackHost tells whether a host, with or without a port, names this machine
// and only this machine, whoever resolves it.
func LoopbackHost(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	if strings.EqualFold(name, "localhost") || strings.HasSuffix(strings.ToLower(name), ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Unmap().IsLoopback()
}
