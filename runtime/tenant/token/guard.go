package token

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// special are networks that are not of the public internet, besides what
// netip.Addr's own questions cover: of IANA's registries of special-purpose
// addresses, those that are not globally reachable.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT; a cloud's metadata
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), // Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4, which holds an address of IPv4
	netip.MustParsePrefix("3fff::/20"),
}

var (
	global6 = netip.MustParsePrefix("2000::/3")     // all of IPv6 that is given out
	nat64   = netip.MustParsePrefix("64:ff9b::/96") // ends with an address of IPv4, to which it leads
)

// guard returns a net.Dialer's Control, which is asked about each address that is
// about to be connected to, whatever name led there. It lets through what is
// public, and what is allowed.
func guard(allow []netip.Prefix) func(network, address string, _ syscall.RawConn) error {
	allow = slices.Clone(allow)
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("dial %s: %w", address, err)
		}
		addr := to.Addr().WithZone("").Unmap()
		if slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(addr) }) || public(addr) {
			return nil
		}
		return fmt.Errorf("%s is not a public address; --jwks-allow names networks that are allowed nevertheless", addr)
	}
}

func public(addr netip.Addr) bool {
	if nat64.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case !addr.IsGlobalUnicast(), addr.IsPrivate(), addr.Is6() && !global6.Contains(addr):
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(addr) })
}
