package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

type densitySettings struct {
	tenants int
	seconds int
}

// The targets of density.
const (
	densityTarget  = 10_000  // tenants
	residentTarget = 1 << 30 // bytes
	coldTarget     = 10 * time.Millisecond
	activeShare    = 0.01 // of the tenants get events each second
	eventsEach     = 5    // for a tenant in such a second
)

// fleet is a server's modules: one tenant each.
type fleet struct {
	engine  *sandbox.Engine
	modules []*sandbox.Module
	callers []*caller

	served     []bool          // had an event
	cold, warm []time.Duration // of first events, and of those right after them
	loaded     int64           // bytes resident, before the first event
	resident   int64           // the most after that
}

// densityRows loads a module for each tenant and sends events to a few of them,
// others each second.
func densityRows(ctx context.Context, s settings) (rows []bench.Row, err error) {
	base, err := readExample(s, "orders-rust")
	if err != nil {
		return nil, err
	}
	f := &fleet{served: make([]bool, s.density.tenants)}
	defer func() { err = errors.Join(err, f.close(ctx)) }()
	start := time.Now()
	if err := f.load(ctx, s, base); err != nil {
		return nil, err
	}
	elapsed := time.Since(start)
	if f.loaded, err = residentBytes(); err != nil {
		return nil, err
	}
	fmt.Fprintf(s.progress, "  %d modules loaded in %s, %s resident\n", s.density.tenants, elapsed.Round(time.Second), mebibytes(f.loaded))
	random := rand.New(rand.NewPCG(1, 2))
	for second := range s.density.seconds {
		if err := f.second(ctx, random); err != nil {
			return nil, fmt.Errorf("second %d: %w", second, err)
		}
	}
	return f.rows(s.density, elapsed), nil
}

func (f *fleet) load(ctx context.Context, s settings, base []byte) (err error) {
	if f.engine, err = sandbox.New(ctx, sandbox.Config{}); err != nil {
		return err
	}
	original, err := wasm.Decode(base)
	if err != nil {
		return err
	}
	for t := range s.density.tenants {
		m, err := f.engine.Load(ctx, ofTenant(original, t))
		if err != nil {
			return fmt.Errorf("tenant %d: %w", t, err)
		}
		f.modules, f.callers = append(f.modules, m), append(f.callers, newCaller(m))
		if (t+1)%1000 == 0 {
			bytes, err := residentBytes()
			if err != nil {
				return err
			}
			fmt.Fprintf(s.progress, "  %d modules, %s resident\n", t+1, mebibytes(bytes))
		}
	}
	return nil
}

// ofTenant returns the module with data of the tenant's own: a number at the far
// end of the stack, where no run of the example gets. So neither code nor images
// can be shared among tenants.
func ofTenant(original *wasm.Module, tenant int) []byte {
	m := *original
	m.Data = append([]wasm.Data(nil), original.Data...)
	start := wasm.AppendInt64([]byte{byte(wasm.OpI32Const)}, 16)
	m.Data = append(m.Data, wasm.Data{
		Mode: wasm.Active, Start: wasm.Expression{Code: append(start, byte(wasm.OpEnd))},
		Bytes: binary.LittleEndian.AppendUint64(nil, uint64(tenant)+1),
	})
	return m.Encode()
}

// second sends events to a share of the tenants, evenly over a second.
func (f *fleet) second(ctx context.Context, random *rand.Rand) error {
	start := time.Now()
	active := max(1, int(activeShare*float64(len(f.callers))))
	for n := range active {
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(time.Until(start.Add(time.Second * time.Duration(n) / time.Duration(active))))
		if err := f.events(ctx, random.IntN(len(f.callers))); err != nil {
			return err
		}
	}
	bytes, err := residentBytes()
	f.resident = max(f.resident, bytes)
	return err
}

func (f *fleet) events(ctx context.Context, tenant int) error {
	for n := range eventsEach {
		start := time.Now()
		if err := f.callers[tenant].run(ctx); err != nil {
			return fmt.Errorf("tenant %d: %w", tenant, err)
		}
		switch elapsed := time.Since(start); {
		case n > 0:
			f.warm = append(f.warm, elapsed)
		case !f.served[tenant]:
			f.cold = append(f.cold, elapsed)
		}
	}
	f.served[tenant] = true
	return nil
}

func (f *fleet) rows(s densitySettings, elapsed time.Duration) []bench.Row {
	what := fmt.Sprintf("%d modules of %d tenants", s.tenants, s.tenants)
	judged := func(verdict string) string {
		if s.tenants < densityTarget {
			return fmt.Sprintf("not judged below %d tenants", densityTarget)
		}
		return verdict
	}
	p50, p99 := percentile(f.cold, 50), percentile(f.cold, 99)
	return []bench.Row{
		{
			What:     what + ", 1 % getting events each second: resident",
			Measured: fmt.Sprintf("%s at most, %s after loading, which took %s", mebibytes(f.resident), mebibytes(f.loaded), elapsed.Round(time.Second)),
			Target:   "≤ " + mebibytes(residentTarget), Verdict: judged(bench.AtMost(float64(f.resident), residentTarget)),
		},
		{
			What:     what + ": the first event of a tenant, p99",
			Measured: fmt.Sprintf("%s of %d, p50 %s; those after it %s, p50 %s", p99, len(f.cold), p50, percentile(f.warm, 99), percentile(f.warm, 50)),
			Target:   "≤ " + coldTarget.String(), Verdict: judged(bench.AtMost(float64(p99), float64(coldTarget))),
		},
	}
}

func (f *fleet) close(ctx context.Context) (err error) {
	for i, c := range f.callers {
		err = errors.Join(err, c.pool.Close(), f.modules[i].Release())
	}
	if f.engine == nil {
		return err
	}
	return errors.Join(err, f.engine.Close(ctx))
}

func percentile(durations []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(durations))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)].Round(100 * time.Nanosecond)
}

// residentBytes reads what this process has in memory, all kinds of it.
func residentBytes() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kibibytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kibibytes << 10, err
		}
	}
	return 0, errors.New("/proc/self/status has no line VmRSS")
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
