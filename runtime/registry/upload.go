package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Upload admits a module, tries its start, holds it against the schema of the others that are
// active, and keeps it as a version of the name; with activate it becomes the
// active one. The same bytes again are the same version, and not created; where the
// store does not have them any more as they were, it has them again. A
// refusal changes nothing: it is an *Error, or wraps tenant.ErrUnknown. The
// bytes are borrowed.
func (r *Registry) Upload(ctx context.Context, t *tenant.Tenant, name string, binary []byte, activate bool) (v Version, created bool, err error) {
	if r.config.OnUpload != nil {
		defer func() { r.config.OnUpload(created, err) }()
	}
	limits := t.Limits()
	if !tenant.ValidName(name) {
		return Version{}, false, invalid("a module's name must be 1 to %d of the characters a-z 0-9 -", tenant.MaxNameBytes)
	}
	if int64(len(binary)) > limits.ModuleBytes {
		return Version{}, false, over("moduleBytes", "the module has %d bytes, the limit is %d", len(binary), limits.ModuleBytes)
	}
	u := upload{registry: r, name: name, digest: digest(binary), limits: limits, activate: activate}
	err = u.run(ctx, t, binary)
	if errors.Is(err, errDropped) { // the digest was known, and is not any more
		err = u.run(ctx, t, binary)
	}
	if created = err == nil && u.kept == u.loaded; !created && u.loaded != nil {
		r.release(u.loaded.module)
	}
	if err != nil {
		return Version{}, false, err
	}
	return u.module.describe(u.kept), created, nil
}

func digest(binary []byte) string {
	sum := sha256.Sum256(binary)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// errDropped is given where a version was known when its upload began.
var errDropped = conflict("this version was dropped during the upload; upload it again")

// upload is an upload under way.
type upload struct {
	registry *Registry
	name     string
	digest   string
	limits   tenant.Limits
	activate bool

	loaded *version // nil where the digest was known
	kept   *version // what the digest stands for in the end
	module *module  // what kept is a version of
}

func (u *upload) run(ctx context.Context, t *tenant.Tenant, binary []byte) error {
	if err := u.load(ctx, t, binary); err != nil {
		return err
	}
	return u.registry.change(ctx, t, binary, func(e *edit) (*catalog, error) { return u.apply(ctx, e) })
}

// load compiles the module unless its digest is known and its code at hand. No
// lock is held: other changes of the tenant go on meanwhile. It waits for a turn,
// since both take long: the uploads of one tenant are not before another's.
func (u *upload) load(ctx context.Context, t *tenant.Tenant, binary []byte) error {
	now, err := u.registry.now(ctx, t)
	if err != nil {
		return err
	}
	if m := now.modules[u.name]; m != nil {
		if known := m.find(u.digest); known != nil {
			err := u.registry.repair(ctx, t, u.name, u.digest, binary)
			if err != nil || known.module == nil || !known.module.Lost() {
				return err
			}
		}
	}
	if err := u.checkRoom(now); err != nil {
		return err
	}
	done, err := u.registry.turns.take(ctx, t, maxWaiting)
	switch {
	case errors.Is(err, errQueueFull):
		return &Error{Reason: Busy, Code: abi.CodeLimitExceeded, Message: fmt.Sprintf("%d uploads of the tenant are waiting; try again later", maxWaiting)}
	case err != nil:
		return fmt.Errorf("wait to load module %s: %w", u.name, err)
	}
	defer done()
	if gone(t) {
		return errDeleted()
	}
	loaded, err := u.registry.config.Engine.Load(ctx, binary)
	if err != nil {
		return admissionError(u.name, err)
	}
	if need := loaded.MemoryBytes(); need > u.limits.MemoryBytes {
		u.registry.release(loaded)
		return over("memoryBytes", "the module starts with %d bytes of memory, the limit is %d", need, u.limits.MemoryBytes)
	}
	var config ModuleConfig
	if now, err = u.registry.now(ctx, t); err != nil { // a while later
		u.registry.release(loaded)
		return err
	}
	if m := now.modules[u.name]; m != nil {
		config = m.config
	}
	if err := start(ctx, t, u.name, loaded, u.limits, config); err != nil {
		u.registry.release(loaded)
		return err
	}
	u.loaded = &version{
		digest: u.digest, bytes: len(binary), resolvers: loaded.Resolvers(), uploaded: time.Now().UTC(),
		module: loaded, started: startConditions(u.limits, config),
	}
	return nil
}

func (u *upload) checkRoom(now *catalog) error {
	if now.modules[u.name] == nil && int64(len(now.modules)) >= u.limits.Modules {
		return over("modules", "the tenant has %d modules and its limit is %d; delete one first", len(now.modules), u.limits.Modules)
	}
	return nil
}

// apply is the change that the upload makes.
func (u *upload) apply(ctx context.Context, e *edit) (*catalog, error) {
	m := e.old.modules[u.name]
	if m == nil {
		m = &module{name: u.name}
	}
	if u.kept = m.find(u.digest); u.kept == nil {
		return u.add(ctx, e.tenant, e.old, m)
	}
	u.module = m
	if !u.activate {
		return e.old, nil
	}
	fresh, err := e.activate(ctx, m, u.digest, u.limits)
	if err == nil {
		u.module = fresh.modules[u.name]
	}
	return fresh, err
}

// add keeps the loaded module as a version of m. It must compose even where it
// is not to be activated.
func (u *upload) add(ctx context.Context, t *tenant.Tenant, old *catalog, m *module) (*catalog, error) {
	if u.loaded == nil {
		return nil, errDropped
	}
	if err := u.checkRoom(old); err != nil {
		return nil, err
	}
	if u.activate && u.loaded.started != startConditions(u.limits, m.config) { // the config was changed meanwhile
		if err := start(ctx, t, u.name, u.loaded.module, u.limits, m.config); err != nil {
			return nil, err
		}
	}
	idle := m.add(u.loaded)
	serving := idle.activate(u.loaded)
	active, err := old.with(serving).compose(composeLimits(u.limits), u.name)
	if err != nil {
		return nil, composeError(Invalid, u.name, "module "+u.name+" does not compose with the tenant's other modules", err)
	}
	u.kept, u.module = u.loaded, idle.prune(u.limits.Versions)
	if !u.activate {
		return old.with(u.module), nil
	}
	u.module = serving.prune(u.limits.Versions)
	fresh := old.with(u.module)
	fresh.active = active
	return fresh, nil
}
