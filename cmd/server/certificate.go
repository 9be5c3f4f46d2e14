package main

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateAge is how long a certificate is served before its files are looked
// at again.
const certificateAge = time.Second

// certificate is a pair of files that is read again when one has changed, by the
// handshake that meets it. A pair that cannot be read, as one half written, leaves
// the one before serving.
type certificate struct {
	certFile, keyFile string
	logger            *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	looked  time.Time
	state   [2]fs.FileInfo // of the files when they were last tried
	invalid bool           // the files are not what is served
}

// loadCertificate reads the pair for the first time.
func loadCertificate(certFile, keyFile string, logger *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, logger: logger, looked: time.Now()}
	var err error
	if c.state, err = c.stat(); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("certificate %s, %s: %w", certFile, keyFile, err)
	}
	c.pair = &pair
	return c, nil
}

// config is for listeners that serve the certificate.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: c.get}
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= certificateAge {
		c.looked = now
		c.lookLocked()
	}
	return c.pair, nil
}

// lookLocked reads the files where they are others than before, and tells of it
// once.
func (c *certificate) lookLocked() {
	state, err := c.stat()
	if err == nil && unchanged(state[0], c.state[0]) && unchanged(state[1], c.state[1]) {
		return
	}
	c.state = state
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.certFile, c.keyFile)
	}
	if err != nil {
		if !c.invalid {
			c.logger.Warn("the certificate stays as it was: its files cannot be read", "error", err)
		}
		c.invalid = true
		return
	}
	c.pair, c.invalid = &pair, false
	c.logger.Info("certificate read again", "expires", pair.Leaf.NotAfter)
}

func (c *certificate) stat() (state [2]fs.FileInfo, err error) {
	for i, path := range []string{c.certFile, c.keyFile} {
		if state[i], err = os.Stat(path); err != nil {
			return [2]fs.FileInfo{}, err
		}
	}
	return state, nil
}

// unchanged tells whether a file was neither written nor replaced. The clock of a file
// system may stand still for milliseconds, in which one like it takes its place. before is nil
// where there was none.
func unchanged(now, before fs.FileInfo) bool {
	return before != nil && os.SameFile(now, before) && now.ModTime().Equal(before.ModTime()) && now.Size() == before.Size()
}
