package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Bounds and defaults of options.
const (
	defaultPort        = "6379"
	defaultPrefix      = "runnel"
	defaultConnections = 8
	maxConnections     = 1000
	maxDatabase        = 1 << 16
)

// address is what a URL says. The URL is
//
//	redis://user:password@host:port/database?prefix=runnel&connections=8
//
// and rediss:// takes ca=FILE too.
type address struct {
	host           string // with the port
	user, password string
	db             int
	tls            *tls.Config // nil without
	prefix         string
	connections    int // besides the one that tails
}

var goodPrefix = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// Check says what is wrong with the URL of a bus, without showing it. It connects
// to nothing.
func Check(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("that is no URL: it looks like redis://user:password@host:6379/0, with special characters percent-encoded")
	}
	_, err = parseAddress(u)
	return err
}

// parseAddress reads the URL. Its errors show neither user nor password.
func parseAddress(u *url.URL) (a address, err error) {
	a = address{prefix: defaultPrefix, connections: defaultConnections}
	if strings.Contains(u.Host, ",") {
		return a, errors.New("the URL names several hosts: Redis Cluster and Sentinel are not supported, since a tenant's order lies on one server; name the primary, or an address that leads to it")
	}
	host, port := u.Hostname(), u.Port()
	switch {
	case u.Opaque != "" || host == "":
		return a, fmt.Errorf("the URL names no host: it is such as %s://user:password@host:6379/0", u.Scheme)
	case port == "":
		port = defaultPort
	}
	a.host = net.JoinHostPort(host, port)
	if u.User != nil {
		a.user = u.User.Username()
		a.password, _ = u.User.Password()
	}
	if database := strings.Trim(u.Path, "/"); database != "" {
		if a.db, err = strconv.Atoi(database); err != nil || a.db < 0 || a.db > maxDatabase {
			return a, errors.New("the path of the URL is not the number of a database, such as /0")
		}
	}
	if u.Fragment != "" {
		return a, errors.New("the URL has a part behind #; in a password it is written %23")
	}
	if u.Scheme == "rediss" {
		a.tls = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	return a, a.parseOptions(u)
}

func (a *address) parseOptions(u *url.URL) error {
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("the part of the URL behind ? is not such as prefix=runnel&connections=8")
	}
	for name, values := range options {
		if len(values) != 1 {
			return fmt.Errorf("the option %.40q is given %d times", name, len(values))
		}
		if err := a.setOption(name, values[0]); err != nil {
			return err
		}
	}
	return nil
}

func (a *address) setOption(name, value string) (err error) {
	switch name {
	case "prefix":
		if a.prefix = value; !goodPrefix.MatchString(value) {
			return errors.New("prefix: 1 to 64 of the characters A-Z a-z 0-9 _ . - are allowed")
		}
	case "connections":
		if a.connections, err = strconv.Atoi(value); err != nil || a.connections < 1 || a.connections > maxConnections {
			return fmt.Errorf("connections: a number from 1 to %d", maxConnections)
		}
	case "ca":
		if a.tls == nil {
			return errors.New("ca: only rediss:// uses certificates")
		}
		text, err := os.ReadFile(value)
		if err != nil {
			return fmt.Errorf("ca: %w", err)
		}
		a.tls.RootCAs = x509.NewCertPool()
		if !a.tls.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("ca: %s has no certificate in PEM", value)
		}
	case "addr", "cluster", "sentinel", "master", "mastername", "master_name", "sentinelMasterId":
		return fmt.Errorf("the option %s: Redis Cluster and Sentinel are not supported, since a tenant's order lies on one server; name the primary, or an address that leads to it", name)
	default:
		return fmt.Errorf("there is no option %.40q: there are prefix, connections and, with rediss://, ca", name)
	}
	return nil
}
