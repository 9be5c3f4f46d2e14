package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
)

// options are the server's settings. Each is a flag, and an environment variable
// RUNNEL_ and its name in upper case, which the flag overrides.
type options struct {
	listen         string
	dev            bool
	bus            string
	adminTokenFile string
	adminToken     string // from the file or from RUNNEL_ADMIN_TOKEN
	logLevel       slog.Level
	logFormat      string
	checkConfig    bool
}

// minAdminToken is the least length of the admin token, in characters.
const minAdminToken = 32

// parseOptions reads flags and environment. Help gives flag.ErrHelp, with the
// usage on usage.
func parseOptions(arguments []string, getenv func(string) string, usage io.Writer) (options, error) {
	o := options{logLevel: slog.LevelInfo}
	flags := flag.NewFlagSet("runnel-server", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` to serve on")
	flags.BoolVar(&o.dev, "dev", false, "no tokens, on loopback only, with the tenant demo and a trickle of demo events")
	flags.StringVar(&o.bus, "bus", "memory", "where events come from: memory")
	flags.StringVar(&o.adminTokenFile, "admin-token-file", "", "`file` that holds the admin token, at least 32 characters; or set RUNNEL_ADMIN_TOKEN")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "least `level` to log: debug, info, warn, error")
	flags.StringVar(&o.logFormat, "log-format", "text", "text or json")
	flags.BoolVar(&o.checkConfig, "check-config", false, "check the settings, say what is wrong, and exit")
	if err := fromEnvironment(flags, getenv); err != nil {
		return o, err
	}
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: all settings are flags", flags.Arg(0))
	}
	return o, o.complete(getenv)
}

// fromEnvironment sets each flag that the environment names.
func fromEnvironment(flags *flag.FlagSet, getenv func(string) string) (err error) {
	flags.VisitAll(func(f *flag.Flag) {
		name := "RUNNEL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := getenv(name)
		if value == "" || err != nil {
			return
		}
		if e := flags.Set(f.Name, value); e != nil {
			err = fmt.Errorf("%s=%q: %w", name, value, e)
		}
	})
	return err
}

// complete reads the admin token and checks what belongs together.
func (o *options) complete(getenv func(string) string) error {
	if o.bus != "memory" {
		return fmt.Errorf("--bus %q: this version has the bus memory only", o.bus)
	}
	if o.logFormat != "text" && o.logFormat != "json" {
		return fmt.Errorf("--log-format %q: text or json", o.logFormat)
	}
	o.adminToken = getenv("RUNNEL_ADMIN_TOKEN")
	if o.adminTokenFile != "" {
		text, err := os.ReadFile(o.adminTokenFile)
		if err != nil {
			return fmt.Errorf("--admin-token-file: %w", err)
		}
		o.adminToken = strings.TrimSpace(string(text))
	}
	if o.dev {
		return loopbackOnly(o.listen)
	}
	switch {
	case o.adminToken == "":
		return errors.New("no admin token: give --admin-token-file FILE or RUNNEL_ADMIN_TOKEN, or run with --dev")
	case len([]rune(o.adminToken)) < minAdminToken:
		return fmt.Errorf("the admin token has fewer than %d characters", minAdminToken)
	}
	return nil
}

// loopbackOnly refuses addresses that others can reach.
func loopbackOnly(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--listen %q: %w", address, err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--listen %q: with --dev the server asks for no tokens, so it listens on loopback only, such as 127.0.0.1:8080", address)
}
