package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// ModuleConfig is what a module reads as its config. The zero value is that of a
// module which was given none. It belongs to the module's name: all versions
// read it. It is immutable.
type ModuleConfig struct {
	// JSON is one value, as it was sent.
	JSON []byte
	// Version is the digest of JSON: "sha256:" and hex; empty where there is none.
	Version string
}

// Config returns the config of a module. There being no module is an *Error, and
// there being no config another.
func (r *Registry) Config(ctx context.Context, t *tenant.Tenant, name string) (ModuleConfig, error) {
	now, err := r.now(ctx, t)
	if err != nil {
		return ModuleConfig{}, err
	}
	m := now.modules[name]
	if m == nil {
		return ModuleConfig{}, errNoModule(name)
	}
	if m.config.JSON == nil {
		return ModuleConfig{}, unknown("module %s has no config; PUT …/config sets one", name)
	}
	return m.config, nil
}

// SetConfig gives a module a config, which is strict JSON. It serves from the
// next event on, under live subscriptions; giving it the one that it has changes
// nothing. Where the active version does not start with it, the *Error says how
// it ended and the config before goes on serving. The registry copies text.
func (r *Registry) SetConfig(ctx context.Context, t *tenant.Tenant, name string, text []byte) error {
	if limit := t.Limits().ConfigBytes; int64(len(text)) > limit {
		return over("configBytes", "the config has %d bytes, the limit is %d", len(text), limit)
	}
	var d jsondoc.Document
	if err := d.Parse(text, jsondoc.Options{}); err != nil {
		return malformedConfig(name, err)
	}
	return r.configure(ctx, t, name, ModuleConfig{JSON: bytes.Clone(text), Version: digest(text)})
}

// DeleteConfig takes a module's config away, as SetConfig gives one. A module
// without one stays as it is.
func (r *Registry) DeleteConfig(ctx context.Context, t *tenant.Tenant, name string) error {
	return r.configure(ctx, t, name, ModuleConfig{})
}

func (r *Registry) configure(ctx context.Context, t *tenant.Tenant, name string, config ModuleConfig) error {
	return r.change(ctx, t, nil, func(e *edit) (*catalog, error) {
		m := e.old.modules[name]
		switch {
		case m == nil:
			return nil, errNoModule(name)
		case m.config.Version == config.Version:
			return e.old, nil
		}
		changed := *m
		changed.config = config
		fresh := e.old.with(&changed)
		if m.serving == nil {
			return fresh, nil
		}
		limits := t.Limits()
		if m.serving.started != startConditions(limits, config) {
			if err := start(ctx, t, name, m.serving.module, limits, config); err != nil {
				return nil, configError(name, err)
			}
		}
		// The schema is the same; the limits on it may be lower by now, and are none of this change.
		fresh.active = fresh.reconfigured(e.old.active)
		return fresh, nil
	})
}

// malformedConfig makes an Error with a place of what the parser refuses.
func malformedConfig(name string, err error) error {
	var syntax *jsondoc.SyntaxError
	if !errors.As(err, &syntax) {
		return fmt.Errorf("config of module %s: %w", name, err)
	}
	return &Error{
		Reason: Malformed, Code: abi.CodeBadUserInput, Message: "the config is not the JSON that is wanted",
		Problems: []Problem{{Message: syntax.Message, Offset: syntax.Offset, HasOffset: true, Line: syntax.Line(), Column: syntax.Column()}},
	}
}

// configError puts a module that does not start down to its new config.
func configError(name string, err error) error {
	var refused *Error
	if !errors.As(err, &refused) {
		return err
	}
	e := *refused
	e.Message = "the config is refused: module " + name + " does not start with it"
	return &e
}
