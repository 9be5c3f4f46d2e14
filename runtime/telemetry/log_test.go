package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/telemetry"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// texts joins the texts of lines by spaces.
func texts(lines []telemetry.Line) string {
	var all []string
	for _, line := range lines {
		all = append(all, line.Text)
	}
	return strings.Join(all, " ")
}

func add(log *telemetry.Log, texts ...string) {
	for _, text := range texts {
		log.Add(telemetry.Line{Text: text})
	}
}

// newLog is the log of one tenant.
func newLog(t *testing.T, c telemetry.LogConfig) *telemetry.Log {
	t.Helper()
	return telemetry.NewLogs(c).Of(tenanttest.Create(t, tenanttest.Directory(), "acme"))
}

func follow(t *testing.T, log *telemetry.Log, after string) *telemetry.Follower {
	t.Helper()
	f, err := log.Follow(after)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func wantNext(t *testing.T, f *telemetry.Follower, want string, wantMissed int64) {
	t.Helper()
	lines, missed, err := f.Next(t.Context())
	if err != nil || texts(lines) != want || missed != wantMissed {
		t.Errorf("got %q, %d missed, %v; want %q, %d", texts(lines), missed, err, want, wantMissed)
	}
}

func TestTheLastLinesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t, telemetry.LogConfig{Lines: 3})
		set := time.Now().Add(-time.Hour)
		whole := telemetry.Line{Time: set, Level: abi.LogWarn, Module: "m", Digest: "sha256:00", Event: "e", Incident: "i", Text: "a", Truncated: true}
		log.Add(whole)
		add(log, "b")
		if got := log.Lines(); len(got) != 2 || got[0] != whole || got[1] != (telemetry.Line{Time: time.Now(), Text: "b"}) {
			t.Errorf("got %+v", got)
		}
		add(log, "c", "d", "e")
		if got := texts(log.Lines()); got != "c d e" {
			t.Errorf("kept are %q", got)
		}
	})
}

func TestLinesAreBoundedInBytes(t *testing.T) {
	const share = 4096
	log := newLog(t, telemetry.LogConfig{Bytes: share})
	for n := range 1000 {
		add(log, strings.Repeat("x", n%share), "")
		total := 0
		for _, line := range log.Lines() {
			total += 160 + len(line.Text)
		}
		if total > share || total < share/2 && n > share/160 {
			t.Fatalf("%d bytes are kept after %d lines", total, 2*n)
		}
	}
	add(log, strings.Repeat("é", share), "after")
	lines := log.Lines()
	if got := lines[len(lines)-2]; !got.Truncated || got.Text != strings.Repeat("é", (share/4-160)/2) {
		t.Errorf("of a line over a quarter of all %d bytes are kept, %v", len(got.Text), got.Truncated)
	}
}

// TestNoTenantDrivesOutAnother has one log without end among others.
func TestNoTenantDrivesOutAnother(t *testing.T) {
	const total, line = 64 << 10, 1000
	directory := tenanttest.Directory()
	logs := telemetry.NewLogs(telemetry.LogConfig{Bytes: 32 << 10, TotalBytes: total})
	var all []*tenant.Tenant
	for n := range 9 {
		owner := tenanttest.Create(t, directory, fmt.Sprint("t-", n))
		all = append(all, owner)
		add(logs.Of(owner), "quiet")
		for range 100 {
			add(logs.Of(all[0]), strings.Repeat("x", line))
		}
		kept := 0
		for i, other := range all {
			lines := logs.Of(other).Lines()
			if i > 0 && texts(lines) != "quiet" {
				t.Errorf("%d tenants: of %s are kept %q", len(all), other.ID(), texts(lines))
			}
			for _, l := range lines {
				kept += 160 + len(l.Text)
			}
		}
		most := min(32<<10, total/(n+1))
		if kept > total || kept < most/2 {
			t.Errorf("%d tenants: %d bytes are kept", len(all), kept)
		}
	}
	for _, owner := range all[1:] {
		logs.Remove(owner)
	}
	for range 100 {
		add(logs.Of(all[0]), strings.Repeat("x", line))
	}
	if n := len(logs.Of(all[0]).Lines()); n != 32<<10/(line+160) {
		t.Errorf("when the others are gone %d lines are kept", n)
	}
}

func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t, telemetry.LogConfig{Lines: 3})
		add(log, "a", "b", "c", "d")
		f := follow(t, log, "")
		wantNext(t, f, "b c d", 0) // what was dropped before is not missed
		next := make(chan string)
		go func() {
			lines, _, err := f.Next(t.Context())
			next <- fmt.Sprint(texts(lines), err)
		}()
		synctest.Wait()
		add(log, "e")
		if got := <-next; got != "e<nil>" {
			t.Errorf("got %q", got)
		}
		add(log, "f", "g", "h", "i", "j")
		wantNext(t, f, "h i j", 2)
		position := f.Position(2)
		wantNext(t, follow(t, log, f.Position(0)), "i j", 0)
		add(log, "k")
		f.Close()
		wantNext(t, follow(t, log, position), "k", 0)
		add(log, "l", "m", "n")
		wantNext(t, follow(t, log, position), "l m n", 1)
		for _, other := range []string{"", "nonsense", position + "0", strings.Replace(position, "-", "--", 1), follow(t, newLog(t, telemetry.LogConfig{}), "").Position(0)} {
			wantNext(t, follow(t, log, other), "l m n", 0)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		left := errors.New("left")
		cancel(left)
		f = follow(t, log, "")
		wantNext(t, f, "l m n", 0)
		if _, _, err := f.Next(ctx); !errors.Is(err, left) {
			t.Errorf("%v", err)
		}
	})
}

// TestManyLinesComeInBatches holds that no call returns more than it should.
func TestManyLinesComeInBatches(t *testing.T) {
	log := newLog(t, telemetry.LogConfig{})
	for n := range 200 {
		add(log, fmt.Sprint(n))
	}
	f := follow(t, log, "")
	for n := 0; n < 200; {
		lines, missed, err := f.Next(t.Context())
		if err != nil || missed > 0 || len(lines) == 0 || len(lines) > 64 || lines[0].Text != fmt.Sprint(n) {
			t.Fatalf("at %d: %d lines, %d missed, %v", n, len(lines), missed, err)
		}
		n += len(lines)
	}
}

func TestFollowersAreBounded(t *testing.T) {
	log := newLog(t, telemetry.LogConfig{Followers: 2})
	f := follow(t, log, "")
	follow(t, log, "")
	if _, err := log.Follow(""); !errors.Is(err, telemetry.ErrFollowers) {
		t.Errorf("%v", err)
	}
	f.Close()
	follow(t, log, "")
}

func TestTheEndOfALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		directory := tenanttest.Directory()
		logs := telemetry.NewLogs(telemetry.LogConfig{})
		acme, other := tenanttest.Create(t, directory, "acme"), tenanttest.Create(t, directory, "other")
		ended := make(chan error, 2)
		for _, owner := range []*tenant.Tenant{acme, other} {
			f := follow(t, logs.Of(owner), "")
			go func() {
				_, _, err := f.Next(t.Context())
				ended <- err
			}()
		}
		synctest.Wait()
		if err := directory.Delete(t.Context(), acme, nil); err != nil {
			t.Fatal(err)
		}
		late := logs.Of(acme)
		logs.Remove(acme)
		if err := <-ended; !errors.Is(err, io.EOF) {
			t.Errorf("%v", err)
		}
		add(late, "late")
		add(logs.Of(acme), "later")
		add(logs.Of(other), "x")
		if err := <-ended; err != nil {
			t.Errorf("another tenant's follower: %v", err)
		}
		logs.Close()
		for _, log := range []*telemetry.Log{late, logs.Of(acme), logs.Of(other)} {
			add(log, "y")
			if _, _, err := follow(t, log, "").Next(t.Context()); !errors.Is(err, io.EOF) || len(log.Lines()) > 0 {
				t.Errorf("%v, %+v", err, log.Lines())
			}
		}
	})
}

// TestLinesUnderLoad has lines added and followed at once: each follower gets all
// in order, or is told how many it missed.
func TestLinesUnderLoad(t *testing.T) {
	const writers, lines, followers = 4, 2000, 3
	log := newLog(t, telemetry.LogConfig{Lines: 100})
	var all, writing sync.WaitGroup
	for range followers {
		f := follow(t, log, "")
		all.Go(func() {
			defer f.Close()
			last := map[string]int{}
			for got := int64(0); got < writers*lines; {
				batch, missed, err := f.Next(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				got += int64(len(batch)) + missed
				for _, line := range batch {
					var n int
					if _, err := fmt.Sscan(line.Text, &n); err != nil || n <= last[line.Module] {
						t.Errorf("%s after %d, %v", line.Text, last[line.Module], err)
					}
					last[line.Module] = n
				}
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			for n := range lines {
				log.Add(telemetry.Line{Module: fmt.Sprint(w), Text: fmt.Sprint(n + 1)})
			}
		})
	}
	writing.Wait()
	all.Wait()
}

func TestLinesAreEscaped(t *testing.T) {
	log := newLog(t, telemetry.LogConfig{Lines: 1})
	for text, want := range map[string]string{
		"plain ~ \\n é 漢 👩‍💻":  "plain ~ \\n é 漢 👩‍💻",
		"a\nb\tc\r\x00":        `a\nb\tc\u000d\u0000`,
		"\x1b[2J\x7f\u009b1m":  `\u001b[2J\u007f\u009b1m`,
		"a\u202eb\u2028\u061c": `a\u202eb\u2028\u061c`,
		"a\xff\xc3":            "a\uFFFD\uFFFD",
		"\xed\xa0\x80":         "\uFFFD\uFFFD\uFFFD",
		"":                     "",
	} {
		log.Add(telemetry.Line{Text: text, Event: text})
		if got := log.Lines()[0]; got.Text != want || got.Event != want {
			t.Errorf("%q is kept as %q, %q; want %q", text, got.Text, got.Event, want)
		}
	}
}
