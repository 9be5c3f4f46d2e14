package sandbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// digestSection makes modules that differ in what metering drops, such as their
// schema, different modules to wazero.
const digestSection = "runnel.digest"

// build does all that a hostile upload makes expensive: it admits, meters and
// compiles. Files are made in the directory scratch, which is the caller's to
// remove. A module that is refused gives an *AdmissionError.
func build(ctx context.Context, binary []byte, o meter.Options, scratch string) (*artifact, error) {
	found, err := admit(ctx, binary, o)
	if err != nil {
		return nil, err
	}
	a := &artifact{summary: summary{
		Schema: found.schema, Resolvers: found.resolvers, MemoryBytes: found.memoryBytes, Parts: found.parts, DataBytes: found.dataBytes, Uploaded: len(binary),
		Metered: len(found.metered.Wasm), Globals: found.metered.Globals, FreshEach: found.metered.Reinstantiate, RegionShift: found.metered.RegionShift,
	}}
	if _, a.code, err = compileInto(ctx, found.metered.Wasm, filepath.Join(scratch, "code")); err != nil {
		return nil, err
	}
	if a.code == nil {
		a.outline = found.metered.Wasm
		return a, nil
	}
	if a.outline, err = outline(found.metered.Wasm, sha256.Sum256(binary)); err != nil {
		return nil, err
	}
	a.CodeName, _, err = compileInto(ctx, a.outline, filepath.Join(scratch, "outline"))
	return a, err
}

// outline returns the module with bodies that only trap, marked as that of the
// upload with this digest.
func outline(metered []byte, digest [sha256.Size]byte) ([]byte, error) {
	m, err := wasm.Decode(metered)
	if err != nil {
		return nil, fmt.Errorf("decode the metered module: %w", err)
	}
	trap := wasm.AppendOpcode(wasm.AppendOpcode(nil, wasm.OpUnreachable), wasm.OpEnd)
	for i := range m.Code {
		m.Code[i] = wasm.Body{Code: trap}
	}
	m.Customs = append(m.Customs, wasm.Custom{Name: digestSection, Bytes: digest[:], After: wasm.SectionData})
	return m.Encode(), nil
}

// compileInto compiles a module and returns the machine code as wazero writes
// it, with the name that wazero gives to it; nothing where wazero interprets.
func compileInto(ctx context.Context, binary []byte, dir string) (name string, code []byte, err error) {
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return "", nil, fmt.Errorf("open %s: %w", dir, err)
	}
	r := wazero.NewRuntimeWithConfig(ctx, runtimeConfig().WithCompilationCache(cache))
	defer func() { err = errors.Join(err, r.Close(ctx), cache.Close(ctx)) }()
	if _, err = r.CompileModule(ctx, binary); err != nil {
		return "", nil, fmt.Errorf("compile: %w", err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(paths) == 0 {
		return "", nil, err
	}
	if code, err = os.ReadFile(paths[0]); err != nil {
		return "", nil, fmt.Errorf("read the machine code: %w", err)
	}
	return filepath.Base(paths[0]), code, nil
}

// runtimeConfig is how guests are compiled and run.
func runtimeConfig() wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2)
}

// admit decodes a module, checks what it may use, rewrites it and validates it
// as it was uploaded.
func admit(ctx context.Context, binary []byte, o meter.Options) (*admitted, error) {
	m, err := wasm.Decode(binary)
	if err != nil {
		return nil, &AdmissionError{Problems: []Problem{wasmProblem(nil, err)}}
	}
	a, problems := examine(m, len(binary))
	if len(problems) > 0 {
		return nil, &AdmissionError{Problems: problems}
	}
	// The rewriter checks indices, and knows their places better than the validator.
	a.metered, err = meter.Rewrite(m, o)
	if err != nil {
		return nil, &AdmissionError{Problems: []Problem{wasmProblem(m, err)}}
	}
	if err := Validate(ctx, m); err != nil {
		return nil, err
	}
	return a, nil
}
