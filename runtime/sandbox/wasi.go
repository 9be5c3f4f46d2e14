package sandbox

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/abi"
)

// errno is what a function of WASI returns.
type errno uint16

const (
	errnoSuccess errno = 0
	errnoBadf    errno = 8
	errnoInval   errno = 28
	errnoNotDir  errno = 54
	errnoNotSock errno = 57
	errnoNotSup  errno = 58
	errnoSPipe   errno = 70
)

// The file descriptors that a guest has; none of them can be closed.
const (
	stdin  = 0
	stdout = 1
	stderr = 2
)

// characterDevice is the filetype of the streams: libraries of C flush a
// terminal's lines as they end, and nothing would flush them later.
const characterDevice = 2

// The rights that the streams have.
const (
	rightRead  = 1 << 1
	rightWrite = 1 << 6
)

// Lists that the guest hands over, of buffers or of subscriptions: one costs
// elementUnits for each element, besides its bytes, and may have as many as
// POSIX allows for.
const (
	maxElements  = 1024
	elementUnits = 16
)

// wasiState is what WASI keeps of the run under way.
type wasiState struct {
	out, err stream

	metaKnown bool
	metaTime  uint64 // nanoseconds since 1970
	metaID    []byte
	waited    uint64 // nanoseconds that the run has waited for

	random *rand.ChaCha8 // nil until an instance first asks
	seeded bool
}

// begin forgets what the run before left.
func (w *wasiState) begin() {
	w.out.reset(abi.LogInfo)
	w.err.reset(abi.LogError)
	w.metaKnown, w.metaTime, w.metaID = false, 0, w.metaID[:0]
	w.waited, w.seeded = 0, false
}

// exitError ends a run in which the guest ended itself.
type exitError struct {
	call string
	code int32
}

func (e *exitError) Error() string {
	if e.call == "proc_raise" {
		return fmt.Sprintf("proc_raise: the module raised signal %d", e.code)
	}
	return fmt.Sprintf("%s: the module exited with code %d", e.call, e.code)
}

type wasiCall func(i *instance, stack []uint64) errno

// always is a function without effect.
func always(e errno) wasiCall { return func(*instance, []uint64) errno { return e } }

// onStream is a function of a file descriptor that has no effect: what it says
// of a stream. There is no other descriptor.
func onStream(e errno) wasiCall {
	return func(_ *instance, stack []uint64) errno {
		if uint32(stack[0]) > stderr {
			return errnoBadf
		}
		return e
	}
}

// wasiCalls returns the functions of WASI preview 1 by their names.
func wasiCalls() map[string]wasiCall {
	return map[string]wasiCall{
		"args_get":            always(errnoSuccess),
		"args_sizes_get":      (*instance).wasiNoStrings,
		"environ_get":         always(errnoSuccess),
		"environ_sizes_get":   (*instance).wasiNoStrings,
		"clock_res_get":       (*instance).wasiClockResolution,
		"clock_time_get":      (*instance).wasiClockTime,
		"fd_advise":           onStream(errnoSPipe),
		"fd_allocate":         onStream(errnoNotSup),
		"fd_close":            onStream(errnoSuccess),
		"fd_datasync":         onStream(errnoSuccess),
		"fd_fdstat_get":       (*instance).wasiStreamStatus,
		"fd_fdstat_set_flags": onStream(errnoNotSup),
		// The streams have no right that could be taken away and then be missed.
		"fd_fdstat_set_rights":    onStream(errnoSuccess),
		"fd_filestat_get":         (*instance).wasiStreamFile,
		"fd_filestat_set_size":    onStream(errnoInval),
		"fd_filestat_set_times":   onStream(errnoNotSup),
		"fd_pread":                onStream(errnoSPipe),
		"fd_prestat_get":          always(errnoBadf),
		"fd_prestat_dir_name":     always(errnoBadf),
		"fd_pwrite":               onStream(errnoSPipe),
		"fd_read":                 (*instance).wasiRead,
		"fd_readdir":              onStream(errnoNotDir),
		"fd_renumber":             onStream(errnoNotSup),
		"fd_seek":                 onStream(errnoSPipe),
		"fd_sync":                 onStream(errnoSuccess),
		"fd_tell":                 onStream(errnoSPipe),
		"fd_write":                (*instance).wasiWrite,
		"path_create_directory":   always(errnoBadf),
		"path_filestat_get":       always(errnoBadf),
		"path_filestat_set_times": always(errnoBadf),
		"path_link":               always(errnoBadf),
		"path_open":               always(errnoBadf),
		"path_readlink":           always(errnoBadf),
		"path_remove_directory":   always(errnoBadf),
		"path_rename":             always(errnoBadf),
		"path_symlink":            always(errnoBadf),
		"path_unlink_file":        always(errnoBadf),
		"poll_oneoff":             (*instance).wasiPoll,
		"proc_exit":               exits("proc_exit"),
		"proc_raise":              exits("proc_raise"),
		"sched_yield":             always(errnoSuccess),
		"random_get":              (*instance).wasiRandom,
		"sock_accept":             always(errnoNotSock),
		"sock_recv":               always(errnoNotSock),
		"sock_send":               always(errnoNotSock),
		"sock_shutdown":           always(errnoNotSock),
	}
}

// instantiateWASI makes the module wasi_snapshot_preview1. Ranges outside the
// memory trap, as WASI demands of those that are looked at.
func instantiateWASI(ctx context.Context, r wazero.Runtime) error {
	calls := wasiCalls()
	builder := r.NewHostModuleBuilder(abi.WASIModuleName)
	for _, function := range abi.WASIImports() {
		call := calls[function.Name]
		params := make([]api.ValueType, len(function.Params))
		for n, letter := range function.Params {
			params[n] = api.ValueTypeI32
			if letter == 'I' {
				params[n] = api.ValueTypeI64
			}
		}
		builder.NewFunctionBuilder().
			WithGoFunction(api.GoFunc(func(ctx context.Context, stack []uint64) {
				i := instanceOf(ctx)
				i.charge(hostCallBase)
				e := call(i, stack)
				if function.Results > 0 {
					stack[0] = uint64(e)
				}
			}), params, repeatI32(function.Results)).
			Export(function.Name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

// exits ends the run: whatever the code is, there is no verdict.
func exits(name string) wasiCall {
	return func(_ *instance, stack []uint64) errno {
		panic(&exitError{call: name, code: int32(stack[0])})
	}
}

// wasiNoStrings says that there are no arguments or no variables.
func (i *instance) wasiNoStrings(stack []uint64) errno {
	count, size := i.target("args_sizes_get", stack[0], 4), i.target("args_sizes_get", stack[1], 4)
	binary.LittleEndian.PutUint32(count, 0)
	binary.LittleEndian.PutUint32(size, 0)
	return errnoSuccess
}

// wasiStreamStatus is fd_fdstat_get.
func (i *instance) wasiStreamStatus(stack []uint64) errno {
	fd := uint32(stack[0])
	if fd > stderr {
		return errnoBadf
	}
	status := i.target("fd_fdstat_get", stack[1], 24)
	clear(status)
	status[0] = characterDevice
	status[8] = rightWrite
	if fd == stdin {
		status[8] = rightRead
	}
	return errnoSuccess
}

// wasiStreamFile is fd_filestat_get.
func (i *instance) wasiStreamFile(stack []uint64) errno {
	if uint32(stack[0]) > stderr {
		return errnoBadf
	}
	file := i.target("fd_filestat_get", stack[1], 64)
	clear(file)
	file[16] = characterDevice
	return errnoSuccess
}
