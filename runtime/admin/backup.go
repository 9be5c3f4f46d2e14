package admin

import (
	"net/http"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/response"
	"github.com/runnel-dev/runnel/runtime/store"
)

// backupRoute is the path of the route that backs up.
const backupRoute = "/v1/backup"

// backupWriteTime is how long the client may take for a piece of a backup. A
// snapshot is held meanwhile.
const backupWriteTime = 30 * time.Second

// getBackup: GET /v1/backup. Where the stream fails, the connection is closed
// without the answer's end, and what was sent lacks its own.
func (h *handler) getBackup(w http.ResponseWriter, r *call) error {
	if !h.backup.TryLock() {
		return problem.New(http.StatusTooManyRequests, abi.CodeLimitExceeded, "this server is sending a backup already; each holds a snapshot of the store")
	}
	defer h.backup.Unlock()
	out := &backupStream{w: w, out: response.New(w, backupWriteTime)}
	if r.Method == http.MethodHead {
		out.begin()
		return nil
	}
	err := store.Backup(r.Context(), h.config.Store, out)
	if err == nil || !out.begun {
		return err
	}
	h.config.Logger.Error("a backup broke off", "error", err)
	return errBrokeOff
}

// backupStream begins the answer with the first bytes.
type backupStream struct {
	w     http.ResponseWriter
	out   response.Writer
	begun bool
}

func (s *backupStream) begin() {
	s.begun = true
	header := s.w.Header()
	header.Set("Content-Type", typeBytes)
	header.Set("Content-Disposition", `attachment; filename="runnel-`+time.Now().UTC().Format("20060102T150405Z")+`.backup"`)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	s.w.WriteHeader(http.StatusOK)
}

// Write implements io.Writer.
func (s *backupStream) Write(b []byte) (int, error) {
	if !s.begun {
		s.begin()
	}
	if err := s.out.Write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}
