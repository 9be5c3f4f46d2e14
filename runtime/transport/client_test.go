package transport_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/transport"
)

func TestClientAddr(t *testing.T) {
	trusted := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48"), netip.MustParsePrefix("192.0.2.7/32"),
	}
	const plain, forwarded = "X-Forwarded-For", "Forwarded"
	type lines = []string
	for name, test := range map[string]struct {
		peer   string
		header http.Header
		want   string
	}{
		"a direct client":           {"203.0.113.9:1234", nil, "203.0.113.9"},
		"a direct client by IPv6":   {"[2001:db8::1%eth0]:1234", nil, "2001:db8::1"},
		"a direct client, mapped":   {"[::ffff:203.0.113.9]:1234", nil, "203.0.113.9"},
		"a client that lies":        {"203.0.113.9:1234", http.Header{plain: lines{"198.51.100.1"}, forwarded: lines{"for=198.51.100.1"}}, "203.0.113.9"},
		"no address":                {"pipe", http.Header{plain: lines{"198.51.100.1"}}, ""},
		"a proxy without a header":  {"10.1.2.3:80", nil, "10.1.2.3"},
		"one proxy":                 {"10.1.2.3:80", http.Header{plain: lines{"203.0.113.9"}}, "203.0.113.9"},
		"a mapped proxy":            {"[::ffff:10.1.2.3]:80", http.Header{plain: lines{"203.0.113.9"}}, "203.0.113.9"},
		"a client that lies behind": {"10.1.2.3:80", http.Header{plain: lines{"198.51.100.1, 10.9.9.9, 203.0.113.9"}}, "203.0.113.9"},
		"two proxies":               {"10.1.2.3:80", http.Header{plain: lines{"198.51.100.1, 203.0.113.9, 192.0.2.7"}}, "203.0.113.9"},
		"two proxies over lines":    {"10.1.2.3:80", http.Header{plain: lines{"203.0.113.9", "192.0.2.7"}}, "203.0.113.9"},
		"a line of the client's":    {"10.1.2.3:80", http.Header{plain: lines{"198.51.100.1", "203.0.113.9"}}, "203.0.113.9"},
		"nobody but proxies":        {"10.1.2.3:80", http.Header{plain: lines{"10.4.4.4,10.5.5.5"}}, "10.4.4.4"},
		"a port":                    {"10.1.2.3:80", http.Header{plain: lines{"203.0.113.9:555"}}, "203.0.113.9"},
		"IPv6":                      {"10.1.2.3:80", http.Header{plain: lines{"2001:db8::9"}}, "2001:db8::9"},
		"IPv6 in brackets":          {"10.1.2.3:80", http.Header{plain: lines{"[2001:db8::9]"}}, "2001:db8::9"},
		"IPv6 with a port":          {"[2001:db8:ffff::1]:80", http.Header{plain: lines{"[2001:db8::9]:555"}}, "2001:db8::9"},
		"empty elements":            {"10.1.2.3:80", http.Header{plain: lines{",, 203.0.113.9 ,\t,"}}, "203.0.113.9"},
		"an empty header":           {"10.1.2.3:80", http.Header{plain: lines{""}}, "10.1.2.3"},
		"garbage":                   {"10.1.2.3:80", http.Header{plain: lines{"203.0.113.9, unknown"}}, "10.1.2.3"},
		"garbage behind a proxy":    {"10.1.2.3:80", http.Header{plain: lines{"203.0.113.9, x, 192.0.2.7"}}, "192.0.2.7"},
		"half a bracket":            {"10.1.2.3:80", http.Header{plain: lines{"[2001:db8::9"}}, "10.1.2.3"},
		"an address and more":       {"10.1.2.3:80", http.Header{plain: lines{"203.0.113.9 203.0.113.8"}}, "10.1.2.3"},

		"forwarded":                  {"10.1.2.3:80", http.Header{forwarded: lines{"for=203.0.113.9"}}, "203.0.113.9"},
		"forwarded in full":          {"10.1.2.3:80", http.Header{forwarded: lines{`for=198.51.100.1, proto=https;For="203.0.113.9:555" ; by=10.1.2.3`}}, "203.0.113.9"},
		"forwarded IPv6":             {"10.1.2.3:80", http.Header{forwarded: lines{`for="[2001:db8::9]:555";host=a`}}, "2001:db8::9"},
		"forwarded by two":           {"10.1.2.3:80", http.Header{forwarded: lines{`for=198.51.100.1, for=203.0.113.9`, `for=192.0.2.7`}}, "203.0.113.9"},
		"forwarded for nobody":       {"10.1.2.3:80", http.Header{forwarded: lines{`for=203.0.113.9, proto=https`}}, "10.1.2.3"},
		"forwarded for the hidden":   {"10.1.2.3:80", http.Header{forwarded: lines{`for=203.0.113.9, for=_secret`}}, "10.1.2.3"},
		"forwarded for two":          {"10.1.2.3:80", http.Header{forwarded: lines{`for=203.0.113.9;for=203.0.113.8`}}, "10.1.2.3"},
		"forwarded, half quoted":     {"10.1.2.3:80", http.Header{forwarded: lines{`for="203.0.113.9`}}, "10.1.2.3"},
		"a quote that swallows":      {"10.1.2.3:80", http.Header{forwarded: lines{`for="198.51.100.1, for=203.0.113.9`}}, "203.0.113.9"},
		"an escape that swallows":    {"10.1.2.3:80", http.Header{forwarded: lines{`for="198.51.100.1\", for=203.0.113.9`}}, "203.0.113.9"},
		"both that agree":            {"10.1.2.3:80", http.Header{plain: lines{"203.0.113.9"}, forwarded: lines{"for=203.0.113.9"}}, "203.0.113.9"},
		"both that don't agree":      {"10.1.2.3:80", http.Header{plain: lines{"203.0.113.9"}, forwarded: lines{"for=198.51.100.1"}}, "10.1.2.3"},
		"a lie in the other header":  {"10.1.2.3:80", http.Header{plain: lines{"198.51.100.1"}, forwarded: lines{"for=203.0.113.9"}}, "10.1.2.3"},
		"a header of nothing beside": {"10.1.2.3:80", http.Header{plain: lines{"203.0.113.9"}, forwarded: lines{""}}, "10.1.2.3"},
		"a long way":                 {"10.1.2.3:80", http.Header{plain: lines{"203.0.113.9" + strings.Repeat(", 10.0.0.1", 1000)}}, "203.0.113.9"},
	} {
		r := &http.Request{RemoteAddr: test.peer, Header: test.header}
		got := transport.ClientAddr(r, trusted)
		if got.IsValid() != (test.want != "") || got.IsValid() && got.String() != test.want {
			t.Errorf("%s: %v, want %q", name, got, test.want)
		}
		if direct := transport.ClientAddr(r, nil); direct != transport.ClientAddr(&http.Request{RemoteAddr: test.peer}, trusted) {
			t.Errorf("%s: %v where no proxy is trusted", name, direct)
		}
	}
}

// FuzzClientAddr holds that nothing a client sends makes it another, behind a
// proxy that appends its address.
func FuzzClientAddr(f *testing.F) {
	f.Add("198.51.100.1, 10.0.0.1", `for="[::1]:1"`)
	f.Add(`"`, `for="198.51.100.1\`)
	f.Fuzz(func(t *testing.T, plain, forwarded string) {
		trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		for _, header := range []http.Header{
			{"X-Forwarded-For": {plain + ", 203.0.113.9"}, "Forwarded": {forwarded}},
			{"X-Forwarded-For": {plain}, "Forwarded": {forwarded + ", for=203.0.113.9"}},
			{"X-Forwarded-For": {plain, "203.0.113.9"}},
			{"Forwarded": {forwarded, "for=203.0.113.9"}},
		} {
			got := transport.ClientAddr(&http.Request{RemoteAddr: "10.1.1.1:1", Header: header}, trusted).String()
			if got != "203.0.113.9" && (len(header) == 1 || got != "10.1.1.1") {
				t.Errorf("%q gives %s", header, got)
			}
		}
	})
}
