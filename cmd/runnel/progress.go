package main

import (
	"fmt"
	"io"
	"os"
)

// progress shows on a terminal how much of a body was sent. Its lines overwrite
// one another, and nothing is left of them in the end.
type progress struct {
	out   io.Writer // nil shows nothing
	what  string
	body  io.Reader
	total int
	sent  int
	shown int // percent; -1 before the first
}

// terminalOf returns w where it is a terminal, and nil where it is not.
func terminalOf(w io.Writer) io.Writer {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return w
}

// Read implements io.Reader.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.body.Read(b)
	p.sent += n
	if percent := p.sent * 100 / max(p.total, 1); p.out != nil && percent != p.shown {
		p.shown = percent
		if percent < 100 {
			p.show(fmt.Sprintf("%s: %d %% of %d KB sent", p.what, percent, p.total>>10))
		} else {
			p.show(p.what + ": sent, waiting for the server")
		}
	}
	return n, err
}

// end takes the last line away.
func (p *progress) end() {
	if p.shown >= 0 {
		p.show("")
	}
}

func (p *progress) show(text string) {
	_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s", text) // nobody is told where it cannot be written
}
