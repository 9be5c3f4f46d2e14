package sandbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/meter"
)

// instance is one instantiated guest. It is used by one goroutine at a time. It
// is the context of the calls into the guest, so that host functions find it
// without a look-up.
type instance struct {
	context.Context

	pool      *Pool
	guest     api.Module
	memory    *memory
	fuel      api.MutableGlobal
	reserve   api.MutableGlobal
	dirty     api.MutableGlobal
	depth     api.MutableGlobal // nil in modules that do not recurse
	globals   []api.MutableGlobal
	functions map[string]api.Function
	stack     []uint64
	// startFuel is what start and _initialize used, where each run pays for them:
	// in modules that need a fresh instance for each.
	startFuel int64
	watch     watch
	idleSince int64 // on the shrinker's clock, guarded by the pool's mu
	counted   int64 // bytes that the shrinker has counted

	// The rest belongs to the run under way.
	inputs   Inputs
	result   *Result
	limits   Limits
	document jsondoc.Document
	logLeft  int64  // below zero once a line was cut
	written  uint64 // regions that the host has written, as marks
	stopped  error  // why the host stopped the run
	pace     Pace   // nil where nobody is to be told of slices
	unspent  int64  // units that were left when pace was told last
	starting bool
	mutation bool
	failed   bool // fail was called
	asked    asked
	// lastError is the last line logged at level error, or the end of what was
	// written to stderr: what a panic said.
	lastError []byte
	wasi      wasiState
}

type instanceKey struct{}

// Value implements context.Context, so that an instance is found behind the
// contexts that wazero derives from it.
func (i *instance) Value(key any) any {
	if key == (instanceKey{}) {
		return i
	}
	return i.Context.Value(key)
}

func instanceOf(ctx context.Context) *instance {
	if i, ok := ctx.(*instance); ok {
		return i
	}
	return ctx.Value(instanceKey{}).(*instance)
}

// instantiate makes an instance and runs start and _initialize in it.
func (p *Pool) instantiate(ctx context.Context, limits Limits, pace Pace) (*instance, *Fault) {
	if need := p.module.memoryBytes; need > limits.MemoryBytes {
		return nil, &Fault{
			Code: abi.CodeMemoryLimit, Limit: "memoryBytes",
			Message: fmt.Sprintf("the module starts with %d bytes of memory, the limit is %d", need, limits.MemoryBytes),
		}
	}
	memory, err := newMemory(limits.MemoryBytes)
	if err != nil {
		return nil, &Fault{Code: abi.CodeInternal, Message: err.Error()}
	}
	i := &instance{
		Context: ctx, pool: p, limits: limits, starting: true, pace: pace, result: &Result{}, logLeft: limits.LogBytesPerRun,
		memory: memory, functions: map[string]api.Function{}, stack: make([]uint64, 1),
	}
	i.wasi.begin()
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	code, err := p.module.engine.pin(p.module.compiled, pace)
	if err != nil {
		memory.Free()
		return nil, &Fault{Code: abi.CodeInternal, Message: err.Error()}
	}
	chargeTo(pace, p.module.compiled.made)
	guest, err := p.module.engine.runtime.InstantiateModule(experimental.WithMemoryAllocator(i, i.memory), code, config)
	if err != nil {
		memory.Free()
		p.module.engine.unpin(p.module.compiled)
		return nil, i.startFault("instantiate", err)
	}
	i.bind(guest)
	i.setFuel(p.module.engine.config.StartFuel)
	fault := i.start(meter.StartExport)
	if fault == nil {
		fault = i.start(abi.InitializeExport)
	}
	used := p.module.engine.config.StartFuel - max(i.fuelLeft(), 0)
	if !p.module.compiled.freshEach {
		chargeTo(pace, i.unspent-max(i.fuelLeft(), 0)) // the last slice
	}
	chargeTo(pace, touchedByteUnits*i.touched())
	if fault == nil && p.module.compiled.freshEach {
		i.startFuel = used
	} else if p.config.Started != nil {
		p.config.Started(used)
	}
	if fault != nil {
		i.close()
		return nil, fault
	}
	i.counted = i.footprint()
	p.module.engine.shrinker.bytes.Add(i.counted)
	i.starting, i.pace = false, nil
	i.Context = context.Background()
	return i, nil
}

// startWall bounds start and _initialize by the clock, each.
const startWall = 10 * time.Second

// start runs a function that prepares the instance, where there is one.
func (i *instance) start(name string) *Fault {
	function := i.guest.ExportedFunction(name)
	if function == nil {
		return nil
	}
	i.watch.begin(i.Context, startWall)
	err := function.CallWithStack(i, i.stack)
	i.stopped = i.watch.end()
	i.flush()
	if err == nil && i.fuelLeft() < 0 {
		err = errExhausted
	}
	if err != nil {
		return i.startFault(strings.TrimPrefix(name, abi.ReservedPrefix+"_"), err)
	}
	return nil
}

// startFault describes what ended start or _initialize.
func (i *instance) startFault(where string, err error) *Fault {
	fault := i.fault(err)
	fault.Message = where + ": " + fault.Message
	if i.fuel != nil {
		fault.where, fault.fuel = where, i.pool.module.engine.config.StartFuel-max(i.fuelLeft(), 0)
	}
	return fault
}

// bind looks up what runs need of the guest.
func (i *instance) bind(guest api.Module) {
	i.guest = guest
	i.fuel = guest.ExportedGlobal(meter.FuelGlobal).(api.MutableGlobal)
	i.reserve = guest.ExportedGlobal(meter.ReserveGlobal).(api.MutableGlobal)
	i.dirty = guest.ExportedGlobal(meter.DirtyGlobal).(api.MutableGlobal)
	i.watch.stop = guest.ExportedGlobal(meter.StopGlobal).(api.MutableGlobal)
	i.depth, _ = guest.ExportedGlobal(meter.StackGlobal).(api.MutableGlobal)
	if pages, grows := guest.ExportedGlobal(meter.PagesGlobal).(api.MutableGlobal); grows {
		i.memory.max = pages.Get() * pageBytes
		pages.Set(min(pages.Get(), uint64(i.memory.cap)/pageBytes))
	}
	i.memory.yielding, i.memory.yield = guest.ExportedGlobal(meter.YieldGlobal), i.endSlice
	for _, g := range i.pool.module.compiled.globals {
		i.globals = append(i.globals, guest.ExportedGlobal(g.Name).(api.MutableGlobal))
	}
}

// setFuel gives the guest n units, the first slice of them at once.
func (i *instance) setFuel(n int64) {
	first := min(n, meter.DefaultSlice)
	i.unspent = n
	i.fuel.Set(uint64(first))
	i.reserve.Set(uint64(n - first))
}

// endSlice tells the pace of what was used, and gives way where it says so. The
// time for that is not the run's.
func (i *instance) endSlice() {
	if i.pace == nil {
		return
	}
	left := i.fuelLeft()
	used := i.unspent - left
	i.unspent = left
	if i.starting && !i.pool.module.compiled.freshEach { // no run pays for it
		i.pace.Charge(used)
		used = 0
	}
	if i.pace.Spend(used) {
		i.watch.suspend()
		i.watch.resume(i.pace.GiveWay())
	}
}

// fuelLeft is negative where all is used.
func (i *instance) fuelLeft() int64 { return int64(i.fuel.Get()) + int64(i.reserve.Get()) }

// close frees the instance. No call may be under way.
func (i *instance) close() {
	i.pool.module.engine.shrinker.bytes.Add(-i.counted)
	i.counted = 0
	if i.guest != nil {
		_ = i.guest.Close(context.Background()) // nothing to flush: the guest has no files
		i.pool.module.engine.unpin(i.pool.module.compiled)
	}
}

// run calls a resolver. The instance must be in the state of its image.
func (i *instance) run(ctx context.Context, resolver string, in Inputs, limits Limits, r *Result) {
	i.inputs, i.result, i.limits = in, r, limits
	i.logLeft, i.failed, i.lastError = limits.LogBytesPerRun, false, i.lastError[:0]
	i.wasi.begin()
	i.mutation = strings.HasPrefix(resolver, "Mutation.")
	i.memory.refused = false
	i.asked.reset()
	i.pace, _ = in.(Pace)
	defer func() { i.inputs, i.result, i.pace = nil, nil, nil }()

	function := i.functions[resolver]
	if function == nil {
		function = i.guest.ExportedFunction(resolver)
		i.functions[resolver] = function
	}
	err := errExhausted
	i.setFuel(max(limits.FuelPerRun-i.startFuel, 0))
	if i.startFuel <= limits.FuelPerRun {
		i.watch.begin(ctx, limits.wall())
		err = function.CallWithStack(i, i.stack)
		i.stopped = i.watch.end()
		i.flush()
	}
	left := i.fuelLeft()
	if err == nil && left < 0 {
		err = errExhausted // past the limit, but at its end before the next check
	}
	r.Fuel = limits.FuelPerRun - max(left, 0)
	if i.startFuel > limits.FuelPerRun {
		r.Fuel = limits.FuelPerRun
	}
	if err != nil {
		r.Fault = i.fault(err)
		r.Output, r.HasOutput, r.Published = r.Output[:0], false, r.Published[:0]
		return
	}
	i.conclude(resolver, abi.Verdict(int32(i.stack[0])))
}

// lineBytes is what a line in the log counts beside its text: lines without
// one would flood the log as well.
const lineBytes = 32

// logs reports whether the run may still log.
func (i *instance) logs() bool { return i.logLeft >= 0 && i.limits.LogBytesPerRun > 0 }

// log takes a line of the guest's.
func (i *instance) log(level abi.LogLevel, text []byte) {
	if level == abi.LogError && i.logs() {
		i.lastError = append(i.lastError[:0], text[:min(len(text), maxFaultBytes)]...)
	}
	i.line(level, text)
}

// line hands a line to the module's log, within what is left for this run. The
// first line that does not fit is cut and says so, even where nothing is left
// of it; those after it are dropped.
func (i *instance) line(level abi.LogLevel, text []byte) {
	if !i.logs() {
		return
	}
	room := i.logLeft - lineBytes
	i.logLeft = room - int64(len(text))
	truncated := i.logLeft < 0
	if truncated {
		text = text[:min(max(room, 0), int64(len(text)))]
	}
	i.emit(level, text, truncated)
}

func (i *instance) emit(level abi.LogLevel, text []byte, truncated bool) {
	if i.pool.config.Log == nil {
		return
	}
	line := Line{Level: level, Message: strings.ToValidUTF8(string(text), "\uFFFD"), Truncated: truncated}
	if i.inputs != nil {
		line.ID = i.inputs.ID()
	}
	i.pool.config.Log(line)
}

// maxFaultBytes bounds what is kept of an error, whose stack trace holds names
// that the guest chose.
const maxFaultBytes = 4096

// errorText is an error's message without wazero's own frames.
func errorText(err error) string {
	text := err.Error()
	for _, prefix := range []string{"wasm error: ", "module closed with "} {
		text = strings.TrimPrefix(text, prefix)
	}
	text = strings.TrimSuffix(strings.ReplaceAll(text, " (recovered by wazero)", ""), "\n")
	if len(text) > maxFaultBytes {
		text = strings.ToValidUTF8(text[:maxFaultBytes], "") + "…"
	}
	return text
}
