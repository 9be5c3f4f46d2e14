package main

import (
	"errors"
	"flag"
	"net/http"
	"time"
)

var authEntries = []entry{
	{
		name: "auth", summary: "show how the tenant's subscribers are known",
		detail: "Prints the settings by which subscribers' tokens are verified, without secrets.\n",
		make:   func() command { return newAuthRoute(http.MethodGet) },
	},
	{
		name: "auth set", operands: "FILE", summary: "set how the tenant's subscribers are known",
		detail: `Sends FILE, JSON, as the settings by which subscribers' tokens are verified; "-" is
stdin, which keeps a secret out of files.

  echo '{"mode":"required","algorithm":"RS256","jwksUrl":"https://id.example.com/jwks"}' | runnel auth set -
`,
		make: func() command {
			c := newAuthRoute(http.MethodPut)
			c.operands = []string{"FILE"}
			ask := c.ask
			c.ask = func(p []string) (asked, error) {
				a, err := ask(p)
				a.media, a.input = "application/json", p[0]
				return a, err
			}
			return c
		},
	},
	{
		name: "revoke", summary: "revoke subscribers' tokens",
		detail: `Ends the operations of a subject, or of one token, and refuses tokens that were
issued before.

  runnel revoke --sub user-7
  runnel revoke --jti 0b2d --before 2026-01-02T03:04:05Z
`,
		make: func() command { return newRevoke() },
	},
}

func newAuthRoute(method string) *route {
	c := &route{}
	c.ask = func([]string) (asked, error) { return asked{method: method, path: c.own("auth")}, nil }
	return c
}

func newRevoke() *route {
	c := &route{}
	var r struct {
		Subject string `json:"sub,omitempty"`
		Token   string `json:"jti,omitempty"`
		Before  string `json:"before,omitempty"`
	}
	c.define = func(set *flag.FlagSet) {
		set.StringVar(&r.Subject, "sub", "", "the `SUBJECT` of the tokens")
		set.StringVar(&r.Token, "jti", "", "the `ID` of a token")
		set.StringVar(&r.Before, "before", "", "refuse those issued before this `TIME` of RFC 3339; now, without it")
	}
	c.ask = func([]string) (asked, error) {
		if (r.Subject == "") == (r.Token == "") {
			return asked{}, errors.New("either --sub or --jti is wanted")
		}
		if _, err := time.Parse(time.RFC3339, r.Before); r.Before != "" && err != nil {
			return asked{}, errors.New("--before is no time of RFC 3339, such as 2026-01-02T03:04:05Z")
		}
		return asked{method: http.MethodPost, path: c.own("revocations"), media: "application/json", body: marshal(r)}, nil
	}
	return c
}
