package main

import (
	"fmt"
	"io"
	"os"
)

// maxFileBytes bounds what is read from a file or from stdin: far above every
// server's limits, far below what would hurt this machine.
const maxFileBytes = 256 << 20

// readFile reads a whole file; "-" is stdin.
func readFile(name string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if name == "-" {
		name = "stdin"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // opened for reading only
		in = f
	}
	content, err := io.ReadAll(io.LimitReader(in, maxFileBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxFileBytes:
		return nil, fmt.Errorf("%s is longer than %d bytes", name, maxFileBytes)
	}
	return content, nil
}
