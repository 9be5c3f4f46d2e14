// Withschema writes a schema into a module as its section runnel.schema, for
// compilers that cannot do it themselves:
//
//	withschema MODULE.wasm SCHEMA.graphql
//
// runnel push --schema does the same at the upload.
package main

import (
	"fmt"
	"os"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: withschema MODULE.wasm SCHEMA.graphql")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "withschema:", err)
		os.Exit(1)
	}
}

func write(file, schemaFile string) error {
	binary, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	schema, err := os.ReadFile(schemaFile)
	if err != nil {
		return err
	}
	module, err := wasm.Decode(binary)
	if err != nil {
		return fmt.Errorf("decode %s: %w", file, err)
	}
	if _, has := module.CustomSection(abi.SchemaSection); has {
		return fmt.Errorf("%s has a section %s", file, abi.SchemaSection)
	}
	module.Customs = append(module.Customs, wasm.Custom{Name: abi.SchemaSection, Bytes: schema, After: wasm.SectionData})
	return os.WriteFile(file, module.Encode(), 0o644)
}
