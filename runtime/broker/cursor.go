package broker

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// MaxCursorBytes bounds a cursor.
const MaxCursorBytes = 256

// A cursor is, in base64url, a version, the name of the key, the position, and
// the first bytes of an HMAC-SHA256 over tenant, field and position.
const (
	cursorVersion = 1
	keyNameBytes  = 4
	macBytes      = 16
	cursorHead    = 1 + keyNameBytes
)

// Errors of reading cursors.
var (
	errCursor      = errors.New("the cursor is none that this server gave for this field")
	errForeignKey  = errors.New("the cursor is of another server")
	errCursorShape = errors.New("it is no cursor")
)

// cursors signs positions for a tenant's field. A cursor holds nothing of the
// subscriber: who shows it is authorised anew. It is safe for concurrent use.
type cursors struct {
	key  []byte
	name [keyNameBytes]byte
}

// newCursors makes a random key where there is none.
func newCursors(key []byte) *cursors {
	if len(key) == 0 {
		key = make([]byte, sha256.Size)
		_, _ = rand.Read(key) // never fails
	}
	sum := sha256.Sum256(append([]byte("runnel cursor key\x00"), key...))
	return &cursors{key: key, name: [keyNameBytes]byte(sum[:])}
}

// sign returns the cursor of a position; empty where there is no position.
func (c *cursors) sign(t *tenant.Tenant, field string, at event.Position) string {
	if at == "" {
		return ""
	}
	raw := make([]byte, 0, cursorHead+len(at)+macBytes)
	raw = append(append(raw, cursorVersion), c.name[:]...)
	raw = append(raw, at...)
	raw = append(raw, c.mac(t, field, raw)[:macBytes]...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// verify returns the position of a cursor.
func (c *cursors) verify(t *tenant.Tenant, field, cursor string) (event.Position, error) {
	if len(cursor) > MaxCursorBytes {
		return "", fmt.Errorf("%w: it has %d bytes, and none has more than %d", errCursorShape, len(cursor), MaxCursorBytes)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) <= cursorHead+macBytes || raw[0] != cursorVersion {
		return "", errCursorShape
	}
	if [keyNameBytes]byte(raw[1:cursorHead]) != c.name {
		return "", errForeignKey
	}
	text, mac := raw[:len(raw)-macBytes], raw[len(raw)-macBytes:]
	if !hmac.Equal(mac, c.mac(t, field, text)[:macBytes]) {
		return "", errCursor
	}
	return event.Position(text[cursorHead:]), nil
}

func (c *cursors) mac(t *tenant.Tenant, field string, text []byte) []byte {
	h := hmac.New(sha256.New, c.key)
	for _, part := range []string{t.ID(), t.Incarnation(), field} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	h.Write(text)
	return h.Sum(nil)
}
