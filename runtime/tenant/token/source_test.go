package token_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/token"
)

// publisher is an issuer that publishes keys, and counts who asks.
type publisher struct {
	mu    sync.Mutex
	keys  []byte // nil where it is away
	takes time.Duration
	asked atomic.Int32
}

func (p *publisher) publish(keys ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = nil
	if keys != nil {
		p.keys = jwks(keys...)
	}
}

func (p *publisher) fetch(ctx context.Context, url string) ([]byte, error) {
	p.asked.Add(1)
	p.mu.Lock()
	keys, takes := p.keys, p.takes
	p.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if keys == nil {
		return nil, errors.New("the issuer is away")
	}
	return keys, nil
}

func (s *stage) asked(p *publisher, want int32) {
	s.Helper()
	if got := p.asked.Load(); got != want {
		s.Errorf("keys were fetched %d times, want %d", got, want)
	}
}

// byKeys is a stage in simulated time whose issuer is p.
func byKeys(t *testing.T, test func(s *stage, k *keys, p *publisher)) {
	t.Helper()
	k := newKeys()
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{}
		s := newStage(t, token.Config{}, byURL("RS256"))
		s.verifier.SetFetch(p.fetch)
		test(s, k, p)
	})
}

func byURL(algorithm string) tenant.Auth {
	a := tenant.DefaultAuth()
	a.Algorithm, a.JWKSURL = algorithm, "https://issuer.example/jwks.json"
	return a
}

func named(kid string) string { return `{"alg":"RS256","kid":` + quote(kid) + `}` }

func (s *stage) takes(name, text string) {
	s.Helper()
	if _, err := s.verify(text); err != nil {
		s.Errorf("%s: %v", name, err)
	}
}

func TestKeysAreFetchedOnce(t *testing.T) {
	byKeys(t, func(s *stage, k *keys, p *publisher) {
		p.publish(jwk(k.rsa, `"kid":"1"`))
		p.takes = time.Second
		var tokens sync.WaitGroup
		for range 100 {
			tokens.Go(func() { s.takes("at first", sign("RS256", k.rsa, named("1"), hour(""))) })
		}
		tokens.Wait()
		s.asked(p, 1)
	})
}

// TestNamesakes has an issuer publish several keys of one name: two are tried.
func TestNamesakes(t *testing.T) {
	for of, taken := range map[int]bool{1: true, 2: true, 3: false} {
		byKeys(t, func(s *stage, k *keys, p *publisher) {
			published := make([]string, of)
			for i := range published {
				published[i] = jwk(k.rsaOther, `"kid":"1"`)
			}
			published[of-1] = jwk(k.rsa, `"kid":"1"`)
			p.publish(published...)
			text := sign("RS256", k.rsa, named("1"), hour(""))
			if taken {
				s.takes("by the last of them", text)
			} else {
				s.refuses("by the last of many", text, "not of the issuer's key")
			}
		})
	}
}

// TestUnknownKeysCostOneFetchAMinute floods the verifier with tokens of keys that
// nobody has published.
func TestUnknownKeysCostOneFetchAMinute(t *testing.T) {
	byKeys(t, func(s *stage, k *keys, p *publisher) {
		p.publish(jwk(k.rsa, `"kid":"1"`))
		good := sign("RS256", k.rsa, named("1"), hour(""))
		s.takes("at first", good)
		begun := time.Now()
		for n := range 600 { // in ten minutes, less a second
			text := sign("RS256", k.rsaOther, named(fmt.Sprint("unknown ", n)), hour(""))
			s.refuses("flood", text, "is none of the issuer's keys")
			s.takes("while flooded", good)
			time.Sleep(time.Second)
		}
		if got := time.Since(begun); got != 10*time.Minute {
			s.Errorf("it took %v", got)
		}
		s.asked(p, 10)
	})
}

func TestANewKeyIsFound(t *testing.T) {
	byKeys(t, func(s *stage, k *keys, p *publisher) {
		p.publish(jwk(k.rsa, `"kid":"1"`))
		first, second := sign("RS256", k.rsa, named("1"), hour("")), sign("RS256", k.rsaOther, named("2"), hour(""))
		s.takes("the first", first)
		p.publish(jwk(k.rsa, `"kid":"1"`), jwk(k.rsaOther, `"kid":"2"`))
		s.refuses("too soon", second, `kid "2" is none`)
		time.Sleep(time.Minute)
		s.takes("the second", second)
		s.takes("the first still", first)
		s.asked(p, 2)
		p.publish(jwk(k.rsaOther, `"kid":"2"`)) // the first is withdrawn
		time.Sleep(10*time.Minute - 1)
		s.takes("the first, for ten minutes", first)
		time.Sleep(time.Nanosecond)
		s.refuses("the first, withdrawn", first, `kid "1" is none`)
		s.takes("the second", second)
	})
}

// TestOldKeysAreKept has the issuer away, and answering nonsense.
func TestOldKeysAreKept(t *testing.T) {
	byKeys(t, func(s *stage, k *keys, p *publisher) {
		good := sign("RS256", k.rsa, named("1"), fmt.Sprintf(`{"exp":%d}`, time.Now().Add(48*time.Hour).Unix()))
		s.refuses("never fetched", good, token.ErrUnavailable.Error())
		if _, err := s.verify(good); !errors.Is(err, token.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		s.asked(p, 1)
		p.publish(jwk(k.rsa, `"kid":"1"`))
		time.Sleep(time.Minute)
		s.takes("the issuer is back", good)
		s.asked(p, 2)
		for _, nonsense := range [][]byte{
			nil,
			{},
			[]byte("<html>"), []byte(`{"keys":[]}`), []byte(`{"keys":{}}`), []byte(`[]`), []byte(`{}`), []byte(`null`), jwks(jwk(k.p256, `"kid":"1"`)), jwks("7"),
			[]byte(`{"keys":[` + jwk(k.rsa, `"kid":"1"`) + `],"keys":[]}`), append(jwks(jwk(k.rsa, `"kid":"1"`)), 'x'),
			jwks(jwk(k.rsa, `"kid":"1","x":`+strings.Repeat("[", 6)+strings.Repeat("]", 6))),
		} {
			p.mu.Lock()
			p.keys = nonsense
			p.mu.Unlock()
			before := p.asked.Load()
			time.Sleep(time.Hour)
			s.takes(fmt.Sprintf("the issuer says %.20s", nonsense), good)
			s.asked(p, before+1)
			s.takes("again", good)
			s.asked(p, before+1)
		}
	})
}

func TestWhoWaitsMayLeave(t *testing.T) {
	byKeys(t, func(s *stage, k *keys, p *publisher) {
		p.publish(jwk(k.rsa, `"kid":"1"`))
		p.takes = 5 * time.Second
		ctx, cancel := context.WithTimeout(s.Context(), time.Second)
		defer cancel()
		good := sign("RS256", k.rsa, named("1"), hour(""))
		if _, err := s.verifier.Verify(ctx, s.tenant, "Bearer "+good); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		s.takes("he who stays", good)
		s.asked(p, 1)
		// Closed in the midst of a fetch.
		time.Sleep(time.Hour)
		go func() {
			time.Sleep(time.Second)
			s.verifier.Close()
		}()
		begun := time.Now()
		s.takes("by an old key", sign("RS256", k.rsa, named("1"), hour("")))
		if waited := time.Since(begun); waited != time.Second {
			t.Errorf("it waited %v", waited)
		}
		s.asked(p, 2)
	})
}

// TestSettingsKeepTheirKeys changes settings that have nothing to do with keys,
// then some that do.
func TestSettingsKeepTheirKeys(t *testing.T) {
	byKeys(t, func(s *stage, k *keys, p *publisher) {
		p.publish(jwk(k.rsa, `"kid":"1"`))
		good := sign("RS256", k.rsa, named("1"), hour(""))
		s.takes("at first", good)
		a := byURL("RS256")
		a.ClockSkew = 0
		s.set(a)
		s.takes("another clock skew", good)
		s.asked(p, 1)
		a.JWKSURL += "?2"
		s.set(a)
		s.takes("another URL", good)
		s.asked(p, 2)
		if err := s.tenants.Delete(s.Context(), s.tenant, nil); err != nil {
			t.Fatal(err)
		}
		s.verifier.Forget(s.tenant)
		s.takes("a tenant that is gone", good)
		s.asked(p, 3) // nothing was kept of it
	})
}

// TestTenantsHaveKeysOfTheirOwn has two tenants of one issuer.
func TestTenantsHaveKeysOfTheirOwn(t *testing.T) {
	byKeys(t, func(s *stage, k *keys, p *publisher) {
		p.publish(jwk(k.rsa, `"kid":"1"`))
		good := sign("RS256", k.rsa, named("1"), hour(""))
		s.takes("one", good)
		a := byURL("RS256")
		settings := tenant.DefaultSettings()
		settings.Auth = &a
		other, err := s.tenants.Create(s.Context(), "other", settings)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.verifier.Verify(s.Context(), other, "Bearer "+good); err != nil {
			t.Error(err)
		}
		s.asked(p, 2)
	})
}

// TestKeySelection holds which published keys a token may be verified with.
func TestKeySelection(t *testing.T) {
	k := newKeys()
	good := func(kid string) string { return sign("RS256", k.rsa, named(kid), hour("")) }
	unnamed := sign("RS256", k.rsa, `{"alg":"RS256"}`, hour(""))
	private := strings.TrimSuffix(jwk(k.rsa, `"kid":"1"`), "}") + fmt.Sprintf(`,"d":%q,"p":%q,"q":%q}`, encode(k.rsa.D.Bytes()), encode(k.rsa.Primes[0].Bytes()), encode(k.rsa.Primes[1].Bytes()))
	many := make([]string, 0, token.MaxKeys+1)
	for range token.MaxKeys {
		many = append(many, jwk(k.rsaOther, `"kid":"other"`))
	}
	many = append(many, jwk(k.rsa, `"kid":"1"`))
	for name, c := range map[string]struct {
		keys   []string
		text   string
		reason string
	}{
		"by its name":                          {[]string{jwk(k.rsaOther, `"kid":"0"`), jwk(k.rsa, `"kid":"1"`)}, good("1"), ""},
		"of two of one name":                   {[]string{jwk(k.rsaOther, `"kid":"1"`), jwk(k.rsa, `"kid":"1"`)}, good("1"), ""},
		"among others of its name":             {[]string{jwk(k.p256, `"kid":"1"`), jwk(k.secret, `"kid":"1"`), jwk(k.rsa, `"kid":"1"`)}, good("1"), ""},
		"the only one":                         {[]string{jwk(k.rsa, `"kid":"1"`)}, unnamed, ""},
		"the only one, without a name":         {[]string{jwk(k.rsa, "")}, unnamed, ""},
		"the only one that can be meant":       {[]string{jwk(k.p256, `"kid":"0"`), jwk(k.rsa, `"kid":"1"`)}, unnamed, ""},
		"use sig, verify and alg":              {[]string{jwk(k.rsa, `"kid":"1","use":"sig","key_ops":["verify"],"alg":"RS256"`)}, good("1"), ""},
		"with an x5u that leads elsewhere":     {[]string{jwk(k.rsa, `"kid":"1","x5u":"https://attacker.example/"`)}, good("1"), ""},
		"a kid of no bytes":                    {[]string{jwk(k.rsa, `"kid":""`), jwk(k.rsaOther, `"kid":"2"`)}, good(""), ""},
		"unnamed among two":                    {[]string{jwk(k.rsa, `"kid":"1"`), jwk(k.rsaOther, `"kid":"2"`)}, unnamed, "no kid, and there are several keys"},
		"a name against keys without":          {[]string{jwk(k.rsa, "")}, good("1"), `kid "1" is none`},
		"an empty name against keys without":   {[]string{jwk(k.rsa, "")}, good(""), `kid "" is none`},
		"a name in other letters":              {[]string{jwk(k.rsa, `"kid":"a"`)}, good("A"), `kid "A" is none`},
		"a path":                               {[]string{jwk(k.rsa, `"kid":"1"`)}, good("../1"), "is none"},
		"another's name":                       {[]string{jwk(k.rsa, `"kid":"1"`), jwk(k.rsaOther, `"kid":"2"`)}, good("2"), "not of the issuer's key"},
		"use enc":                              {[]string{jwk(k.rsa, `"kid":"1","use":"enc"`)}, good("1"), "could not be fetched"},
		"key_ops without verify":               {[]string{jwk(k.rsa, `"kid":"1","key_ops":["encrypt"]`)}, good("1"), "could not be fetched"},
		"key_ops that are no list":             {[]string{jwk(k.rsa, `"kid":"1","key_ops":"verify"`)}, good("1"), "could not be fetched"},
		"another alg":                          {[]string{jwk(k.rsa, `"kid":"1","alg":"PS256"`)}, good("1"), "could not be fetched"},
		"alg none":                             {[]string{jwk(k.rsa, `"kid":"1","alg":"none"`)}, good("1"), "could not be fetched"},
		"RSA of 1024 bits":                     {[]string{jwk(k.rsa1024, `"kid":"1"`)}, sign("RS256", k.rsa1024, named("1"), hour("")), "could not be fetched"},
		"a secret":                             {[]string{jwk(k.secret, `"kid":"1"`)}, sign("HS256", k.secret, named("1"), hour("")), "could not be fetched"},
		"a secret, under its own alg":          {[]string{jwk(k.secret, `"kid":"1","alg":"HS256"`)}, sign("HS256", k.secret, `{"alg":"HS256","kid":"1"}`, hour("")), `alg is "HS256"`},
		"a private key":                        {[]string{private}, good("1"), "could not be fetched"},
		"an EC key":                            {[]string{jwk(k.p256, `"kid":"1"`)}, sign("ES256", k.p256, `{"alg":"ES256","kid":"1"}`, hour("")), `alg is "ES256"`},
		"a certificate that is not of the key": {[]string{jwk(k.rsa, `"kid":"1","x5c":["MIIB"]`)}, good("1"), "could not be fetched"},
		"an exponent of 1":                     {[]string{strings.Replace(jwk(k.rsa, `"kid":"1"`), `"e":"AQAB"`, `"e":"AQ"`, 1)}, good("1"), "could not be fetched"},
		"kid is a number":                      {[]string{jwk(k.rsa, `"kid":1`)}, good("1"), "could not be fetched"},
		"beyond the most keys":                 {many, good("1"), `kid "1" is none`},
	} {
		s := newStage(t, token.Config{}, byURL("RS256"))
		s.verifier.SetFetch(func(context.Context, string) ([]byte, error) { return jwks(c.keys...), nil })
		if c.reason == "" {
			s.takes(name, c.text)
		} else {
			s.refuses(name, c.text, c.reason)
		}
	}
}

// TestCurves has points of other curves, and of none, in place of a key.
func TestCurves(t *testing.T) {
	k := newKeys()
	off := strings.Replace(jwk(k.p256, `"kid":"1"`), `"y":"`, `"y":"AAAA`, 1)
	moved := `{"kty":"EC","crv":"P-256","kid":"1","x":"` + encode(make([]byte, 32)) + `","y":"` + encode(make([]byte, 32)) + `"}`
	mislabelled := strings.Replace(jwk(k.p384, `"kid":"1"`), "P-384", "P-256", 1)
	for name, key := range map[string]string{"P-384": jwk(k.p384, `"kid":"1"`), "a point of too many bytes": off, "infinity": moved, "P-384 as P-256": mislabelled, "another curve": strings.Replace(jwk(k.p256, `"kid":"1"`), "P-256", "secp256k1", 1)} {
		s := newStage(t, token.Config{}, byURL("ES256"))
		s.verifier.SetFetch(func(context.Context, string) ([]byte, error) { return jwks(key), nil })
		s.refuses(name, sign("ES256", k.p256, `{"alg":"ES256","kid":"1"}`, hour("")), "could not be fetched")
	}
	s := newStage(t, token.Config{}, byURL("ES256"))
	s.verifier.SetFetch(func(context.Context, string) ([]byte, error) { return jwks(off, moved, jwk(k.p256, `"kid":"1"`)), nil })
	s.takes("beside those", sign("ES256", k.p256, `{"alg":"ES256","kid":"1"}`, hour("")))
}
