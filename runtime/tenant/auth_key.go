package tenant

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The sizes of RSA keys that are taken, in bits. Smaller ones can be broken, and
// larger ones cost more than a subscriber is worth.
const (
	MinRSABits = 2048
	MaxRSABits = 8192
)

// algorithms are those of JWS with the keys that each takes. HMAC is there with
// SHA-256 alone: longer hashes of the same secret prove nothing more. P-521 is not
// there, since a forged signature costs ten times the time of P-256 to refuse.
var algorithms = []struct {
	name  string
	check func(key crypto.PublicKey) error // nil takes a secret
}{
	{"HS256", nil},
	{"RS256", checkRSA},
	{"RS384", checkRSA},
	{"RS512", checkRSA},
	{"PS256", checkRSA},
	{"PS384", checkRSA},
	{"PS512", checkRSA},
	{"ES256", checkCurve(elliptic.P256())},
	{"ES384", checkCurve(elliptic.P384())},
	{"EdDSA", checkEd25519},
}

// Algorithms are the names that Auth.Algorithm may have.
func Algorithms() []string {
	names := make([]string, len(algorithms))
	for i := range algorithms {
		names[i] = algorithms[i].name
	}
	return names
}

// CheckKey tells what keeps a public key from being one of an algorithm: its
// type, its curve or its size. No key is one of HS256.
func CheckKey(algorithm string, key crypto.PublicKey) error {
	for i := range algorithms {
		if algorithms[i].name != algorithm {
			continue
		}
		if algorithms[i].check == nil {
			return errors.New("HS256 takes a secret, not a public key")
		}
		if err := algorithms[i].check(key); err != nil {
			return fmt.Errorf("%s takes %w", algorithm, err)
		}
		return nil
	}
	return fmt.Errorf("there is no algorithm %.20q", algorithm)
}

func checkRSA(key crypto.PublicKey) error {
	k, ok := key.(*rsa.PublicKey)
	if !ok {
		return fmt.Errorf("an RSA key, not %s", kindOfKey(key))
	}
	if bits := k.N.BitLen(); bits < MinRSABits || bits > MaxRSABits {
		return fmt.Errorf("an RSA key of %d to %d bits, not of %d", MinRSABits, MaxRSABits, bits)
	}
	if k.E < 3 || k.E%2 == 0 || k.N.Bit(0) == 0 {
		return errors.New("an RSA key with an odd modulus and an odd exponent from 3")
	}
	return nil
}

func checkCurve(curve elliptic.Curve) func(crypto.PublicKey) error {
	return func(key crypto.PublicKey) error {
		k, ok := key.(*ecdsa.PublicKey)
		if !ok || k.Curve != curve {
			return fmt.Errorf("a key of the curve %s, not %s", curve.Params().Name, kindOfKey(key))
		}
		return nil
	}
}

func checkEd25519(key crypto.PublicKey) error {
	if k, ok := key.(ed25519.PublicKey); !ok || len(k) != ed25519.PublicKeySize {
		return fmt.Errorf("an Ed25519 key, not %s", kindOfKey(key))
	}
	return nil
}

func kindOfKey(key crypto.PublicKey) string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return "an RSA key"
	case *ecdsa.PublicKey:
		return "one of the curve " + k.Params().Name
	case ed25519.PublicKey:
		return "an Ed25519 key"
	}
	return "another kind of key"
}

// Key is the public key in PEM, which is one of the algorithm.
func (a *Auth) Key() (crypto.PublicKey, error) {
	block, rest := pem.Decode([]byte(a.PublicKey))
	if block == nil {
		return nil, errors.New("no key in PEM, which begins with -----BEGIN PUBLIC KEY-----")
	}
	if strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("there is something after the key; give one key alone")
	}
	var key any
	var err error
	switch {
	case block.Type == "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case block.Type == "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		err = errors.New("a private key, which is the issuer's alone; give the public one")
	default:
		err = fmt.Errorf("PEM of the type %.40q; give a PUBLIC KEY, such as openssl prints with -pubkey or -pubout", block.Type)
	}
	if err != nil {
		return nil, err
	}
	if slices.Contains(Algorithms(), a.Algorithm) { // else that is the mistake
		err = CheckKey(a.Algorithm, key)
	}
	return key, err
}
