package transport

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// identityHeader carries over HTTP what the payload of connection_init does
// over a WebSocket.
const identityHeader = "X-Runnel-Identity"

func headerCredentials(r *http.Request) Credentials {
	return Credentials{
		Authorization: strings.Join(r.Header.Values("Authorization"), ", "), // of two, none is meant
		Origin:        r.Header.Get("Origin"),
		RemoteAddr:    r.RemoteAddr,
	}
}

// authenticate has the payload of connection_init checked, beside the reader,
// so that the peer's pings and its leaving are seen meanwhile.
func (c *conn) authenticate(payload []byte) {
	credentials := *c.credentials // the machine lets only one connection_init through
	c.credentials = nil           // the strings hold on to the request's headers
	if bad := credentials.add(payload); bad != nil {
		c.violated(*bad)
		return
	}
	c.tasks.Go(func() {
		defer c.recovered()
		identity, err := c.handler.config.Authenticator.Authenticate(c.ctx, c.tenant, credentials)
		over := ""
		if err == nil {
			over = c.handler.acknowledge(c.tenant, &c.counted, subjectOf(identity))
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		m := &c.mu.machine
		var malformed *CredentialsError
		switch {
		case over != "":
			// A client that retries comes back with this code, at growing intervals.
			c.mu.endsLocked(EndLimit)
			c.performLocked(m.close(websocket.CloseTryAgainLater, "LIMIT_EXCEEDED: "+crowded[over]+" ("+over+")", nil))
		case err == nil:
			c.identifiedLocked(identity)
		case errors.As(err, &malformed):
			c.logRefusal(err)
			c.performLocked(m.violated(*badInit(malformed.Message), nil)) // 4403 would be retried for ever
		case errors.Is(err, ErrRefused):
			c.logRefusal(err)
			c.performLocked(m.refused(nil))
		case errors.Is(err, ErrUnavailable):
			c.logRefusal(err)
			c.mu.endsLocked(EndRefused)
			c.performLocked(m.close(websocket.CloseTryAgainLater, reasonUnavailable, nil))
		default:
			if c.ctx.Err() == nil {
				c.handler.config.Logger.Error("authenticate a connection", "tenant", c.tenant.ID(), "error", err)
			}
			c.performLocked(m.close(closeInternal, reasonInternal, nil))
		}
	})
}

// identifiedLocked lets a subscriber in, for as long as its tenant admits it.
func (c *conn) identifiedLocked(identity tenant.Identity) {
	m := &c.mu.machine
	c.mu.identity = identity // before it is asked about: whoever changes the answer looks here afterwards
	if err := c.tenant.Admits(identity); err != nil {
		c.logRefusal(err)
		c.performLocked(m.refused(nil))
		return
	}
	c.performLocked(m.authenticated(nil))
	if c.mu.initTimer != nil {
		c.mu.initTimer.Stop()
		c.mu.initTimer = nil
	}
	if end := identity.Expires(); !end.IsZero() && m.phase == phaseReady {
		c.mu.expiry = time.AfterFunc(time.Until(end), c.recheck)
	}
}

// recheck implements connection.
func (c *conn) recheck() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.machine.phase != phaseReady {
		return
	}
	if err := c.tenant.Admits(c.mu.identity); err != nil {
		c.handler.config.Logger.Debug("a connection is ended", "tenant", c.tenant.ID(), "error", err)
		c.mu.endsLocked(endingOfToken(err))
		c.performLocked(c.mu.machine.expired(nil))
	} else if c.mu.expiry != nil {
		c.mu.expiry.Reset(time.Until(c.mu.identity.Expires())) // the clock may have been set back
	}
}

func (c *conn) logRefusal(err error) {
	c.handler.config.Logger.Debug("credentials of a connection refused", "tenant", c.tenant.ID(), "error", err)
}

// subjectOf is the subject that connections are counted by: the verified one, or
// else, as in dev mode, the claim sub. It is empty where there is none.
func subjectOf(id tenant.Identity) string {
	if subject := id.Subject(); subject != "" {
		return subject
	}
	text, _ := id.Claim("sub")
	if string(text) == `""` {
		return ""
	}
	return string(text)
}

// badInit ends a connection whose connection_init cannot be read.
func badInit(problem string) *violation { return badMessage("Message connection_init: %s", problem) }

// add puts the payload of connection_init into the credentials, by copy. What
// it says of authorization goes before the header.
func (c *Credentials) add(payload []byte) *violation {
	if payload == nil {
		return nil
	}
	c.Details = bytes.Clone(payload)
	var doc jsondoc.Document
	if err := doc.Parse(c.Details, jsondoc.Options{}); err != nil {
		return badInit(err.Error())
	}
	found := false
	for n := uint32(1); n < doc.Nodes[0].Next; n = doc.Nodes[n+1].Next {
		if key := doc.AppendString(nil, n); !strings.EqualFold(string(key), "authorization") {
			continue
		}
		switch {
		case found:
			return badInit("more than one 'authorization'")
		case doc.Nodes[n+1].Kind != jsondoc.String:
			return badInit(expected("authorization", "a string", kindOf(&doc, n+1, true)))
		}
		found = true
		c.Authorization = string(doc.AppendString(nil, n+1))
	}
	return nil
}
