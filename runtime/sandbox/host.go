package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// What a host call costs, in units of fuel: a base, and one unit for each
// bytesPerUnit bytes that are read or written, or for each byte of a payload to
// publish, which is parsed.
const (
	hostCallBase = 64
	bytesPerUnit = 16
)

// Reasons for which a host call ends a run.
var (
	errExhausted       = errors.New("fuel exhausted in a host call")
	errPublishOutside  = errors.New("publish: allowed in Mutation resolvers only")
	errOutputTooLarge  = errors.New("output: over the limit")
	errCallDuringStart = errors.New("during start only log and input may be called")
)

// rangeError is a range of a host call that lies outside the guest's memory.
type rangeError struct {
	call           string
	pointer, count uint32
	memory         uint32
}

func (e *rangeError) Error() string {
	return fmt.Sprintf("%s: the range of %d bytes at %d lies outside the memory of %d bytes", e.call, e.count, e.pointer, e.memory)
}

// instantiateHost makes the module runnel_v1. Its functions find the instance
// that calls them by the context of the call.
func instantiateHost(ctx context.Context, r wazero.Runtime) error {
	functions := map[string]func(*instance, []uint64){
		abi.ImportInput:     (*instance).hostInput,
		abi.ImportArgument:  (*instance).hostArgument,
		abi.ImportClaim:     (*instance).hostClaim,
		abi.ImportPermitted: (*instance).hostPermitted,
		abi.ImportOutput:    (*instance).hostOutput,
		abi.ImportFail:      (*instance).hostFail,
		abi.ImportPublish:   (*instance).hostPublish,
		abi.ImportLog:       (*instance).hostLog,
	}
	builder := r.NewHostModuleBuilder(abi.ModuleName)
	for _, i := range abi.Imports() {
		call := functions[i.Name]
		builder.NewFunctionBuilder().
			WithGoFunction(api.GoFunc(func(ctx context.Context, stack []uint64) {
				call(instanceOf(ctx), stack)
			}), repeatI32(i.Params), repeatI32(i.Results)).
			Export(i.Name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

func repeatI32(n int) []api.ValueType {
	types := make([]api.ValueType, n)
	for i := range types {
		types[i] = api.ValueTypeI32
	}
	return types
}

// debit charges a call of runnel_v1 that moves n bytes.
func (i *instance) debit(n int) {
	i.charge(hostCallBase + int64(n)/bytesPerUnit)
}

// charge takes units of fuel and ends the run where they are not there.
func (i *instance) charge(units int64) {
	fuel := int64(i.fuel.Get()) - units
	i.fuel.Set(uint64(fuel))
	if fuel < 0 && i.fuelLeft() < 0 {
		panic(errExhausted)
	}
}

// view returns the guest's bytes, which are valid until the guest runs again.
func (i *instance) view(call string, pointer, count uint64) []byte {
	view, ok := i.guest.Memory().Read(uint32(pointer), uint32(count))
	if !ok {
		panic(&rangeError{call: call, pointer: uint32(pointer), count: uint32(count), memory: i.guest.Memory().Size()})
	}
	return view
}

// target is a view of bytes that the host is about to write.
func (i *instance) target(call string, pointer, count uint64) []byte {
	target := i.view(call, pointer, count)
	i.wrote(uint32(pointer), uint32(count))
	return target
}

// answer writes a value where the guest asked for it, if it fits, and returns
// its length.
func (i *instance) answer(call string, value []byte, pointer, capacity uint64) uint64 {
	if uint32(capacity) < uint32(len(value)) {
		i.view(call, pointer, capacity)
		i.debit(0)
		return uint64(uint32(len(value)))
	}
	copy(i.view(call, pointer, capacity), value)
	i.wrote(uint32(pointer), uint32(len(value)))
	i.debit(len(value))
	return uint64(uint32(len(value)))
}

// absent answers that there is no such thing. The range is checked as for what
// there is, so that a guest's bug does not wait for the first subscriber who has
// a claim.
func (i *instance) absent(call string, pointer, capacity uint64) uint64 {
	i.view(call, pointer, capacity)
	i.debit(0)
	a := abi.Absent
	return uint64(uint32(a))
}

func (i *instance) hostInput(stack []uint64) {
	kind := abi.Kind(int32(stack[0]))
	value, ok := i.askInput(kind)
	if !ok {
		stack[0] = i.absent(abi.ImportInput, stack[1], stack[2])
		return
	}
	stack[0] = i.answer(abi.ImportInput, value, stack[1], stack[2])
}

func (i *instance) askInput(kind abi.Kind) ([]byte, bool) {
	if i.starting {
		if kind != abi.InputConfig || i.pool.config.Config == nil {
			return nil, false
		}
		return i.pool.config.Config, true
	}
	if kind < abi.InputEvent || kind > abi.InputConfig {
		return nil, false
	}
	if r := i.known(AskInput, kind, nil); r != nil {
		return r.Value, r.Present
	}
	var value []byte
	var ok bool
	if kind == abi.InputConfig {
		value, ok = i.pool.config.Config, i.pool.config.Config != nil
	} else {
		value, ok = i.inputs.Input(kind)
	}
	i.record(Read{Question: AskInput, Kind: kind, Value: value, Present: ok})
	return value, ok
}

func (i *instance) hostArgument(stack []uint64) { i.named(abi.ImportArgument, AskArgument, stack) }

func (i *instance) hostClaim(stack []uint64) { i.named(abi.ImportClaim, AskClaim, stack) }

func (i *instance) named(call string, question Question, stack []uint64) {
	name := i.view(call, stack[0], stack[1])
	i.debit(len(name))
	value, ok := i.askNamed(question, name)
	if !ok {
		stack[0] = i.absent(call, stack[2], stack[3])
		return
	}
	stack[0] = i.answer(call, value, stack[2], stack[3])
}

func (i *instance) askNamed(question Question, name []byte) (value []byte, ok bool) {
	if i.starting || len(name) > abi.MaxNameBytes {
		return nil, false
	}
	if r := i.known(question, 0, name); r != nil {
		return r.Value, r.Present
	}
	text := i.pool.intern(name)
	switch question {
	case AskArgument:
		value, ok = i.inputs.Argument(text)
	case AskClaim:
		value, ok = i.inputs.Claim(text)
	default:
		ok = i.inputs.Permitted(text)
	}
	i.record(Read{Question: question, Name: text, Value: value, Present: ok})
	return value, ok
}

func (i *instance) hostPermitted(stack []uint64) {
	name := i.view(abi.ImportPermitted, stack[0], stack[1])
	i.debit(len(name))
	_, ok := i.askNamed(AskPermitted, name)
	stack[0] = 0
	if ok {
		stack[0] = 1
	}
}

func (i *instance) hostOutput(stack []uint64) {
	text := i.view(abi.ImportOutput, stack[0], stack[1])
	i.debit(0)
	if i.starting {
		panic(errCallDuringStart)
	}
	if int64(len(text)) > i.limits.OutputBytes {
		panic(errOutputTooLarge)
	}
	i.debit(len(text))
	i.result.Output = append(i.result.Output[:0], text...)
	i.result.HasOutput = true
}

func (i *instance) hostFail(stack []uint64) {
	text := i.view(abi.ImportFail, stack[0], stack[1])
	i.debit(0)
	if i.starting {
		panic(errCallDuringStart)
	}
	if int64(len(text)) > i.limits.OutputBytes {
		panic(errOutputTooLarge)
	}
	i.debit(len(text))
	i.result.fail = append(i.result.fail[:0], text...)
	i.failed = true
}

func (i *instance) hostPublish(stack []uint64) {
	channel := i.view(abi.ImportPublish, stack[0], stack[1])
	payload := i.view(abi.ImportPublish, stack[2], stack[3])
	if i.starting || !i.mutation {
		panic(errPublishOutside)
	}
	i.debit(min(len(channel), abi.MaxNameBytes))
	over := int64(len(i.result.Published)) >= i.limits.PublishesPerRun || int64(len(payload)) > i.limits.EventBytes
	if over {
		stack[0] = uint64(abi.PublishOverLimit)
		return
	}
	i.debit(len(payload) * bytesPerUnit)
	if len(channel) > abi.MaxNameBytes || !abi.ValidChannel(string(channel)) || i.document.Parse(payload, jsondoc.Options{}) != nil {
		stack[0] = uint64(abi.PublishRefused)
		return
	}
	event := Published{Channel: string(channel), Payload: append([]byte(nil), payload...)}
	i.result.Published = append(i.result.Published, event)
	stack[0] = uint64(abi.PublishTaken)
}

func (i *instance) hostLog(stack []uint64) {
	text := i.view(abi.ImportLog, stack[1], stack[2])
	level := abi.LogLevel(min(max(int32(stack[0]), int32(abi.LogDebug)), int32(abi.LogError)))
	i.debit(int(min(int64(len(text)), max(i.logLeft, 0))))
	i.log(level, text)
}
