package token_test

import (
	"net/netip"
	"testing"

	"github.com/runnel-dev/runnel/runtime/tenant/token"
)

func TestGuard(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.215.14:443":            true,
		"1.1.1.1:8443":                 true,
		"172.15.255.255:443":           true,
		"172.32.0.1:443":               true,
		"100.63.255.255:443":           true,
		"100.128.0.1:443":              true,
		"[2606:4700:4700::1111]:443":   true,
		"[::ffff:93.184.215.14]:443":   true,
		"[64:ff9b::93.184.215.14]:443": true, // NAT64 to a public address

		"127.0.0.1:443":                false, // loopback
		"127.255.255.254:443":          false,
		"[::1]:443":                    false,
		"[::ffff:127.0.0.1]:443":       false, // the same in IPv6
		"[::127.0.0.1]:443":            false, // and in a form long out of use
		"[64:ff9b::7f00:1]:443":        false, // and through NAT64
		"[64:ff9b:1::7f00:1]:443":      false,
		"[2002:7f00:1::1]:443":         false, // and through 6to4
		"[2001::7f00:1]:443":           false, // and through Teredo
		"10.0.0.1:443":                 false, // private
		"172.16.0.1:443":               false,
		"172.31.255.255:443":           false,
		"192.168.1.1:443":              false,
		"[::ffff:10.0.0.1]:443":        false,
		"[fc00::1]:443":                false,
		"[fdff::1]:443":                false,
		"169.254.169.254:80":           false, // clouds' metadata
		"169.254.170.2:443":            false,
		"[::ffff:169.254.169.254]:443": false,
		"[fd00:ec2::254]:443":          false,
		"100.100.100.200:443":          false,
		"168.63.129.16:443":            true,  // Azure's, which is a public address and speaks no TLS
		"169.254.0.1:443":              false, // link-local
		"[fe80::1]:443":                false,
		"[fe80::1%eth0]:443":           false,
		"[fec0::1]:443":                false, // site-local
		"100.64.0.1:443":               false, // carrier-grade NAT
		"100.127.255.255:443":          false,
		"224.0.0.1:443":                false, // multicast
		"239.255.255.255:443":          false,
		"[ff02::1]:443":                false,
		"[ff0e::1]:443":                false,
		"0.0.0.0:443":                  false, // this machine
		"0.1.2.3:443":                  false,
		"[::]:443":                     false,
		"[::ffff:0.0.0.0]:443":         false,
		"255.255.255.255:443":          false,
		"240.0.0.1:443":                false,
		"192.0.0.8:443":                false,
		"192.0.2.1:443":                false, // documents and benchmarks
		"198.18.0.1:443":               false,
		"198.19.255.255:443":           false,
		"198.51.100.1:443":             false,
		"203.0.113.1:443":              false,
		"[2001:db8::1]:443":            false,
		"[3fff::1]:443":                false,
		"[100::1]:443":                 false, // discarded
		"[4000::1]:443":                false, // given to nobody
		"issuer.example:443":           false, // no address
		"":                             false,
	} {
		if err := token.Guard(token.Config{}, address); (err == nil) != want {
			t.Errorf("%s: %v, want it let through: %t", address, err, want)
		}
	}
}

func TestGuardAllows(t *testing.T) {
	config := token.Config{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/32")}}
	for address, want := range map[string]bool{
		"10.1.2.3:443":          true,
		"[::ffff:10.1.2.3]:443": true,
		"[fd12::1]:443":         true,
		"10.2.0.1:443":          false,
		"127.0.0.1:443":         false,
		"[fd13::1]:443":         false,
		"1.1.1.1:443":           true,
	} {
		if err := token.Guard(config, address); (err == nil) != want {
			t.Errorf("%s: %v, want it let through: %t", address, err, want)
		}
	}
}
