package abi_test

import (
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
)

func TestSplitResolver(t *testing.T) {
	for export, want := range map[string]string{
		"Subscription.orderUpdated": "Subscription orderUpdated",
		"_A1.b_2":                   "_A1 b_2",
		"memory":                    "",
		".a":                        "",
		"A.":                        "",
		"A.b.c":                     "",
		"1A.b":                      "",
		"A.b-c":                     "",
		"Ä.b":                       "",
		"A/b.c":                     "",
	} {
		typeName, field, ok := abi.SplitResolver(export)
		got := ""
		if ok {
			got = typeName + " " + field
		}
		if got != want {
			t.Errorf("SplitResolver(%q) = %q, want %q", export, got, want)
		}
	}
}

func TestValidChannel(t *testing.T) {
	for channel, want := range map[string]bool{
		"orders": true, "a.B:c-d_9": true, strings.Repeat("x", 200): true,
		"": false, strings.Repeat("x", 201): false, "a b": false, "ö": false, "a/b": false, "@": false, "[": false, "`": false,
	} {
		if got := abi.ValidChannel(channel); got != want {
			t.Errorf("ValidChannel(%q) = %v", channel, got)
		}
	}
}

func TestImportsAreACopy(t *testing.T) {
	abi.Imports()[0].Name = "changed"
	if _, ok := abi.LookupImport(abi.ImportInput); !ok {
		t.Fatal("a caller's change reached the table")
	}
	if _, ok := abi.LookupImport("changed"); ok {
		t.Fatal("a caller's change reached the table")
	}
}
