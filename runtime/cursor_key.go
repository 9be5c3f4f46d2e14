package runtime

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/runnel-dev/runnel/runtime/store"
)

const (
	cursorKeyID    = "cursor-key"
	cursorKeyBytes = 32
)

// cursorKey returns the key that signs cursors, which all nodes on a store share.
// The first of them makes it.
func cursorKey(ctx context.Context, s store.Store) ([]byte, error) {
	var key []byte
	read := func(tx store.Tx) error {
		text, err := tx.Get(store.Settings, "", cursorKeyID)
		if err == nil {
			key, err = hex.DecodeString(string(text))
		}
		return err
	}
	err := s.View(ctx, read)
	if errors.Is(err, store.ErrNotFound) {
		err = s.Update(ctx, "", func(tx store.Tx) error {
			if err := read(tx); !errors.Is(err, store.ErrNotFound) {
				return err // another node was faster
			}
			key = make([]byte, cursorKeyBytes)
			_, _ = rand.Read(key) // never fails
			return tx.Put(store.Settings, "", cursorKeyID, []byte(hex.EncodeToString(key)))
		})
	}
	if err != nil {
		return nil, fmt.Errorf("the key that signs cursors: %w", err)
	}
	return key, nil
}
