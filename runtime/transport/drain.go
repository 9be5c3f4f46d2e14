package transport

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// wavePause is between two waves of a drain.
	wavePause = 10 * time.Millisecond
	// mostPause is how long a drain makes the next connection wait at most: few
	// clients that return at once are no flood.
	mostPause = 10 * time.Millisecond
)

// Draining tells whether Shutdown has begun.
func (h *Handler) Draining() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mu.draining
}

// Shutdown refuses new connections, closes sockets with 1001, ends the responses
// of event streams, and returns when all have ended. It closes them in a random
// order, evenly over Config.DrainTime, so that clients don't return all at once;
// few take less: 10 ms each. Until its turn a connection is served as before, and
// what waits for it then still leaves. When ctx ends first, all that is left is
// cut, and what is being upgraded when that is done, and ctx's error returned. Requests over plain HTTP are http.Server's to
// drain.
func (h *Handler) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	h.mu.draining = true
	conns := h.allLocked()
	h.mu.Unlock()
	h.closeInWaves(ctx, conns)
	ended := make(chan struct{})
	go func() {
		h.serving.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	h.mu.Lock()
	h.mu.cut = true // also those that are upgraded still
	conns = h.allLocked()
	h.mu.Unlock()
	for _, c := range conns {
		c.out().ends(EndShutdown)
		c.cut()
	}
	return ctx.Err()
}

func (h *Handler) allLocked() (conns []connection) {
	for _, r := range h.mu.rooms {
		conns = r.list(conns)
	}
	return conns
}

// closeInWaves closes connections evenly over the drain time, until ctx ends.
func (h *Handler) closeInWaves(ctx context.Context, conns []connection) {
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	limit := min(h.config.DrainTime, time.Duration(len(conns))*mostPause)
	wave := time.NewTicker(wavePause)
	defer wave.Stop()
	for start, closed := time.Now(), 0; ; {
		due := len(conns)
		if passed := time.Since(start); passed < limit {
			due = 1 + int(float64(len(conns)-1)*float64(passed)/float64(limit))
		}
		for ; closed < due; closed++ {
			conns[closed].close(websocket.CloseGoingAway, reasonShutdown)
		}
		if closed == len(conns) {
			return
		}
		select {
		case <-wave.C:
		case <-ctx.Done():
			return
		}
	}
}
