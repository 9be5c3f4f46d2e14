// Package examples holds the example modules as built, for the demo of
// runnel-server --dev. Their sources lie beside them.
package examples

import _ "embed"

// OrdersRust and OrdersAssemblyScript are the same resolver in two languages.
var (
	//go:embed orders-rust/orders-rust.wasm
	OrdersRust []byte
	//go:embed orders-assemblyscript/orders-assemblyscript.wasm
	OrdersAssemblyScript []byte
	// ClientPage is a plain page that subscribes to the demo.
	//go:embed client.html
	ClientPage []byte
)
