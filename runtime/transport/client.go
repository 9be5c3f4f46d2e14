package transport

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddr is the address of the client that sent a request: the peer of the
// TCP connection or, where that is within one of the trusted prefixes, the
// right-most address that is not, of those in X-Forwarded-For or Forwarded,
// since each proxy appends the one that it was reached from. What stands further
// to the left may be anything. It is without a zone, and the zero Addr where the
// peer has no IP address.
//
// A proxy that writes one of the two headers hands on what a client wrote into
// the other. So where both are there and do not agree, neither is believed, and
// the client is the peer.
func ClientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer := hostAddr(r.RemoteAddr)
	if !within(peer, trusted) {
		return peer
	}
	plain, forwarded := r.Header.Values("X-Forwarded-For"), r.Header.Values("Forwarded")
	a := lastUntrusted(peer, plain, trusted, hostAddr)
	b := lastUntrusted(peer, forwarded, trusted, forwardedAddr)
	switch {
	case len(forwarded) == 0 || a == b:
		return a
	case len(plain) == 0:
		return b
	}
	return peer
}

// countedAs is the address under which one is counted: whoever has an IPv6
// address has the whole /64.
func countedAs(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	prefix, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return prefix.Addr()
}

// lastUntrusted goes from hop to hop, starting at the peer. What cannot be read
// ends the way at the proxy that wrote it.
func lastUntrusted(peer netip.Addr, lines []string, trusted []netip.Prefix, read func(string) netip.Addr) netip.Addr {
	at := peer
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			hop := rest
			// A quoted comma would be a client's, left of what any proxy wrote.
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, hop = rest[:comma], rest[comma+1:]
			} else {
				more = false
			}
			if hop = strings.Trim(hop, " \t"); hop == "" {
				continue // HTTP has it that lists may have empty elements
			}
			next := read(hop)
			if !next.IsValid() {
				return at
			}
			if at = next; !within(at, trusted) {
				return at
			}
		}
	}
	return at
}

// hostAddr reads an address with or without a port.
func hostAddr(s string) netip.Addr {
	if pair, err := netip.ParseAddrPort(s); err == nil {
		return plain(pair.Addr())
	}
	if inside, ok := strings.CutPrefix(s, "["); ok {
		if s, ok = strings.CutSuffix(inside, "]"); !ok {
			return netip.Addr{}
		}
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return plain(a)
}

// forwardedAddr reads the parameter "for" of an element of Forwarded.
func forwardedAddr(element string) (a netip.Addr) {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !ok || !strings.EqualFold(name, "for") {
			continue
		}
		if a.IsValid() {
			return netip.Addr{}
		}
		if inside, quoted := strings.CutPrefix(value, `"`); quoted {
			if value, quoted = strings.CutSuffix(inside, `"`); !quoted {
				return netip.Addr{}
			}
		}
		a = hostAddr(value)
	}
	return a
}

// plain makes equal addresses equal, however they are written.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func within(a netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
