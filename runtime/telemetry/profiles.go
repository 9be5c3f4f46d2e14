package telemetry

import (
	"context"
	"fmt"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"strings"
	"time"
)

// maxProfile bounds the profiles that take a time.
const maxProfile = 5 * time.Minute

// writeTime is what a client has to take a profile once it was made.
const writeTime = time.Minute

// Profiles serves profiles below prefix, such as /debug/pprof/, as `go tool pprof`
// reads them: profile and trace for ?seconds= (1 to 300), and by name those of
// runtime/pprof, as text with ?debug=1. Unlike net/http/pprof, it registers nothing
// with http.DefaultServeMux, and does not show the command line, which may have
// passwords.
func Profiles(prefix string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		switch name := strings.TrimPrefix(r.URL.Path, prefix); name {
		case "":
			list(w)
		case "profile":
			timed(w, r, 30*time.Second, func(ctx context.Context) error {
				if err := pprof.StartCPUProfile(w); err != nil {
					return err
				}
				defer pprof.StopCPUProfile()
				<-ctx.Done()
				return nil
			})
		case "trace":
			timed(w, r, time.Second, func(ctx context.Context) error {
				if err := trace.Start(w); err != nil {
					return err
				}
				defer trace.Stop()
				<-ctx.Done()
				return nil
			})
		default:
			named(w, r, name)
		}
	})
}

// writeWithin gives the client so much time to take the answer.
func writeWithin(w http.ResponseWriter, d time.Duration) {
	// What is no connection, as in a test, has no deadline.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d))
}

func list(w http.ResponseWriter) {
	writeWithin(w, writeTime)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprint(w, "profile\ntrace\n") // whoever asked has left
	for _, p := range pprof.Profiles() {
		_, _ = fmt.Fprintln(w, p.Name())
	}
}

// timed has a profile taken for as long as the request says.
func timed(w http.ResponseWriter, r *http.Request, fallback time.Duration, take func(context.Context) error) {
	length := fallback
	if text := r.FormValue("seconds"); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		if length = time.Duration(seconds * float64(time.Second)); err != nil || !(seconds > 0) || seconds > maxProfile.Seconds() {
			http.Error(w, fmt.Sprintf("seconds must be a number up to %v", maxProfile.Seconds()), http.StatusBadRequest)
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), length)
	defer cancel()
	writeWithin(w, length+writeTime)
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := take(ctx); err != nil { // another is being taken
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func named(w http.ResponseWriter, r *http.Request, name string) {
	p := pprof.Lookup(name)
	if p == nil {
		http.Error(w, "there is no such profile", http.StatusNotFound)
		return
	}
	level, err := 0, error(nil)
	if text := r.FormValue("debug"); text != "" {
		if level, err = strconv.Atoi(text); err != nil || level < 0 || level > 2 {
			http.Error(w, "debug must be 0, 1 or 2", http.StatusBadRequest)
			return
		}
	}
	writeWithin(w, writeTime)
	w.Header().Set("Content-Type", "application/octet-stream")
	if level > 0 {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	_ = p.WriteTo(w, level) // whoever asked has left
}
