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
	abi.WASIImports()[0].Name = "changed"
	if _, ok := abi.LookupWASIImport("changed"); ok {
		t.Fatal("a caller's change reached the table of WASI")
	}
}

func TestWASIImports(t *testing.T) {
	list := abi.WASIImports()
	if len(list) != 46 {
		t.Errorf("%d functions of WASI preview 1, want 46", len(list))
	}
	for _, i := range list {
		if found, ok := abi.LookupWASIImport(i.Name); !ok || found != i {
			t.Errorf("%s is in the table twice, or not found", i.Name)
		}
		if strings.Trim(i.Params, "iI") != "" || i.Results > 1 {
			t.Errorf("the signature of %s: %q, %d", i.Name, i.Params, i.Results)
		}
	}
}
