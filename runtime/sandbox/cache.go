package sandbox

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"
)

// cache keeps artifacts on disk, each in a file that a key authenticates.
// Several Engines, of several processes, may share a directory:
//
//	key              the key, unless the Config gives one
//	entries/         an artifact per upload and program, to be found by all
//	live-…/          of one Engine: names for the artifacts that it has modules of
//
// A name in live-… and the one in entries are hard links to one file, so what an
// Engine needs stays as long as it does, whoever prunes or replaces the entry.
// It is safe for concurrent use.
type cache struct {
	root   *os.Root // of the directory, whatever its path leads to later
	key    []byte
	limit  int64 // bytes of entries that no Engine has modules of
	owner  string
	logger *slog.Logger

	live   string // directory
	lock   *os.File
	links  atomic.Int64 // names handed out
	idle   atomic.Int64 // bytes of entries that no Engine has modules of, about
	logged atomic.Bool
}

const (
	keyName    = "key"
	keyBytes   = 32
	entriesDir = "entries"
	livePrefix = "live-"
	newPrefix  = "new-"

	maxEntryBytes = 4 << 30
)

// errNoEntry is returned where the cache has nothing that can be trusted.
var errNoEntry = errors.New("not in the cache")

// openCache opens a directory, which it makes where there is none. owner names
// the program and machine whose entries are of use.
func openCache(dir, owner string, key []byte, limit int64, logger *slog.Logger) (*cache, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("cache: %w", err)
	}
	if info, err := os.Lstat(dir); err != nil || info.Mode().Type() != fs.ModeDir {
		return nil, errors.Join(fmt.Errorf("cache: %s is not a directory; a link is not followed", dir), err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	c := &cache{root: root, key: key, limit: limit, owner: owner, logger: logger}
	if err := c.prepare(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("cache %s: %w", dir, err), root.Close())
	}
	c.prune() // counts what is there
	return c, nil
}

func (c *cache) prepare(dir string) error {
	info, err := c.root.Stat(".")
	switch {
	case err != nil:
		return err
	case !owned(info):
		return errors.New("the directory belongs to another user")
	case !private(info):
		return fmt.Errorf("the directory has mode %o: others may reach the machine code in it; it must be 700", info.Mode().Perm())
	}
	if err := c.root.Mkdir(entriesDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if c.key == nil {
		if c.key, err = c.ownKey(); err != nil {
			return fmt.Errorf("key: %w", err)
		}
	}
	removeStale(dir, livePrefix)
	return c.claim(dir)
}

// claim makes the directory of this Engine's links.
func (c *cache) claim(dir string) (err error) {
	name := rand.Text()
	c.live = newPrefix + name
	if err := c.root.Mkdir(c.live, 0o700); err != nil {
		return err
	}
	if c.lock, err = lockIn(filepath.Join(dir, c.live)); err != nil {
		return err
	}
	// Only now may others hold its lock against it.
	if err := c.root.Rename(c.live, livePrefix+name); err != nil {
		return err
	}
	c.live = livePrefix + name
	if err := c.root.Link(c.live+"/"+lockName, c.live+"/probe"); err != nil {
		return fmt.Errorf("the file system must have hard links: %w", err)
	}
	return c.root.Remove(c.live + "/probe")
}

// ownKey returns the directory's key, and makes one where there is none.
func (c *cache) ownKey() ([]byte, error) {
	key, err := c.root.ReadFile(keyName)
	if errors.Is(err, fs.ErrNotExist) {
		fresh := make([]byte, keyBytes)
		_, _ = rand.Read(fresh) // it never fails
		name := newPrefix + rand.Text()
		if err := c.writeFile(name, fresh); err != nil {
			return nil, err
		}
		err := c.root.Link(name, keyName) // fails where another was faster
		if err = errors.Join(c.root.Remove(name), ignore(err, fs.ErrExist)); err != nil {
			return nil, err
		}
		key, err = c.root.ReadFile(keyName)
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	info, err := c.root.Lstat(keyName)
	switch {
	case err != nil:
		return nil, err
	case len(key) != keyBytes || !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a key of %d bytes", keyName, keyBytes)
	case !owned(info) || !private(info):
		return nil, fmt.Errorf("%s must be this user's, with mode 600", keyName)
	}
	return key, nil
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// close gives up the links; entries stay.
func (c *cache) close() error {
	return errors.Join(unlock(c.lock), c.root.RemoveAll(c.live), c.root.Close())
}

// entryName returns where the artifact of an upload lies.
func (c *cache) entryName(digest string) string {
	sum := sha256.Sum256([]byte(digest + "\n" + c.owner))
	return entriesDir + "/" + hex.EncodeToString(sum[:])
}

func (c *cache) nextLink() string { return c.live + "/" + strconv.FormatInt(c.links.Add(1), 10) }

// hold looks for the artifact of an upload, takes a link to it and reads it.
func (c *cache) hold(digest string) (link string, a *artifact, err error) {
	name := c.entryName(digest)
	link = c.nextLink()
	if err := c.root.Link(name, link); err != nil {
		return "", nil, errNoEntry
	}
	if a, err = c.read(link, digest); err != nil {
		c.drop(link)
		_ = ignore(c.root.Remove(name), fs.ErrNotExist) // the next add replaces it otherwise
		return "", nil, err
	}
	now := time.Now()
	_ = c.root.Chtimes(link, now, now) // of use to pruning alone
	return link, a, nil
}

// add stores the artifact of an upload and returns a link to it. The file is
// complete or not there at all.
func (c *cache) add(digest string, a *artifact) (link string, err error) {
	content := make([]byte, sha256.Size, sha256.Size+artifactHeader+len(a.outline)+len(a.code)+1024)
	if content, err = a.append(content); err != nil {
		return "", err
	}
	c.seal(content[:0], digest, content[sha256.Size:])
	link = c.nextLink()
	if err := c.writeFile(link, content); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	temporary := entriesDir + "/" + newPrefix + rand.Text()
	if err := c.root.Link(link, temporary); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	if err := c.root.Rename(temporary, c.entryName(digest)); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	return link, nil
}

// seal appends what authenticates an entry: it is good for one upload and one
// program only.
func (c *cache) seal(b []byte, digest string, content []byte) []byte {
	h := hmac.New(sha256.New, c.key)
	_, _ = io.WriteString(h, digest+"\n"+c.owner+"\n")
	_, _ = h.Write(content)
	return h.Sum(b)
}

// read returns the artifact behind a link once it has been verified. The bytes
// that are returned are those that were verified.
func (c *cache) read(link, digest string) (*artifact, error) {
	content, err := c.readSealed(link, digest)
	if err != nil {
		return nil, err
	}
	return parseArtifact(content)
}

// readSealed is read for the encoded artifact.
func (c *cache) readSealed(link, digest string) ([]byte, error) {
	info, err := c.root.Lstat(link)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxEntryBytes {
		return nil, fmt.Errorf("cache: the entry of %s has mode %s and %d bytes", digest, info.Mode(), info.Size())
	}
	b, err := c.root.ReadFile(link)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	if len(b) < sha256.Size || !hmac.Equal(b[:sha256.Size], c.seal(nil, digest, b[sha256.Size:])) {
		if !c.logged.Swap(true) {
			c.logger.Warn("an entry of the code cache is damaged or sealed with another key; the module is compiled again where its upload is at hand", "digest", digest)
		}
		return nil, fmt.Errorf("cache: the entry of %s is damaged, or sealed with another key", digest)
	}
	return b[sha256.Size:], nil
}

// drop gives a link back. What nobody has a link to may be pruned.
func (c *cache) drop(link string) {
	info, err := c.root.Lstat(link)
	_ = c.root.Remove(link) // it goes with the Engine otherwise
	if err == nil && links(info) == 2 && c.idle.Add(info.Size()) > c.limit {
		c.prune()
	}
}

// writeFile writes a new file to the disk.
func (c *cache) writeFile(name string, content []byte) (err error) {
	f, err := c.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = c.root.Remove(name)
	}
	return err
}
