package fakezk

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// saslConfig is who may log in by SASL, whose only mechanism is DIGEST-MD5.
type saslConfig struct {
	passwords   map[string]string // by user; nil: the server has no SASL
	acls        bool              // the scheme sasl is known in ACLs
	superUsers  []string
	anybody     string // an id that stands for every user, in ACLs
	allowFailed bool   // who fails to log in stays

	// Of the system properties, which are read together:
	file, section setting
}

// A saslLogin is how far a connection has come. A server takes two tokens from
// a client, and no more.
type saslLogin struct {
	nonce string
	over  bool // by success or failure
}

// A saslResult is what a token leads to.
type saslResult int

const (
	saslGoOn saslResult = iota
	saslDone
	saslRefused
	saslBroken // a real server falls over it, and says nothing more
)

// sasl takes a token of a client. What cannot be decoded ends the connection
// without a word. A server without SASL answers with no error, and no token.
func (c *conn) sasl(xid int32, r *jute.Reader) outcome {
	var req proto.SASLToken
	cfg := c.server.ensemble.cfg
	if req.Decode(r); r.Err() == nil && req.Token == nil && cfg.quirks.muteOnFault {
		return mute
	}
	if r.Err() != nil || req.Token == nil {
		return hangUp
	}
	if cfg.sasl.passwords == nil {
		return c.saslReply(xid, nil, proto.OK, stay)
	}
	answer, user, result := c.saslStep(cfg.sasl.passwords, string(req.Token))
	switch result {
	case saslBroken:
		return hangUp
	case saslRefused:
		return c.saslRefuse(xid)
	case saslDone:
		c.ids = addIdentity(c.ids, identity{schemeSASL, user})
		if cfg.sasl.isSuper(user) {
			c.ids = addIdentity(c.ids, identity{schemeSuper, ""})
		}
	}
	return c.saslReply(xid, []byte(answer), proto.OK, stay)
}

// saslStep moves the login on. The first token may be anything.
func (c *conn) saslStep(passwords map[string]string, token string) (answer, user string, result saslResult) {
	switch {
	case c.login == nil:
		c.login = &saslLogin{nonce: newNonce()}
		return digestChallenge(c.login.nonce), "", saslGoOn
	case c.login.over:
		return "", "", saslRefused
	}
	c.login.over = true
	return digestFinal(token, c.login.nonce, passwords)
}

// saslRefuse ends the connection, unless those who fail may stay. Where SASL
// is enforced the code is another one.
func (c *conn) saslRefuse(xid int32) outcome {
	cfg := c.server.ensemble.cfg
	switch {
	case cfg.enforces(schemeSASL):
		return c.saslReply(xid, nil, proto.SessionClosedRequireSASL, hangUpAfterReply)
	case cfg.sasl.allowFailed:
		return c.saslReply(xid, nil, proto.OK, stay)
	case cfg.quirks.saslFailsMutely:
		return hangUp
	}
	return c.saslReply(xid, nil, proto.AuthFailed, hangUpAfterReply)
}

func (c *conn) saslReply(xid int32, token []byte, code proto.Code, next outcome) outcome {
	b, start := c.beginReply(xid, 0, code)
	c.endReply(proto.SASLToken{Token: token}.AppendTo(b), start)
	return next
}

// newNonce is as long as those of Java.
func newNonce() string {
	var b [30]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

func (s *saslConfig) isSuper(user string) bool {
	for _, name := range s.superUsers {
		if name == user {
			return true
		}
	}
	return false
}
