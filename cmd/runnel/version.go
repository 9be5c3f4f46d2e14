package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

var versionEntry = entry{
	name:    "version",
	summary: "print the version of this tool",
	detail:  "Prints the version, the commit where the build knows it, and what built it.\n",
	make:    func() command { return new(version) },
}

// version prints what the build recorded of itself.
type version struct{}

func (*version) flags(*flag.FlagSet) {}

func (*version) accept(positionals []string) error { return exactly(positionals) }

func (*version) run(_ context.Context, std streams) error {
	name, revision := buildVersion()
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if std.json {
		return printLine(std.out, marshal(struct {
			Version  string `json:"version"`
			Revision string `json:"revision,omitempty"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
		}{name, revision, runtime.Version(), platform}))
	}
	if revision != "" {
		revision = " " + revision
	}
	_, err := fmt.Fprintf(std.out, "runnel %s%s %s %s\n", name, revision, runtime.Version(), platform)
	return err
}

// buildVersion returns the module's version and the commit; the commit is empty
// where the build did not record one.
func buildVersion() (name, revision string) {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)", ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return info.Main.Version, revision
}
