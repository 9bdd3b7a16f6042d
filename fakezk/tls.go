package fakezk

import (
	"crypto/tls"
	"net"
)

// TLS makes the server listen on a second port as well, where clients speak
// TLS: see SecureAddr and Server.SecureAddr. The certificate of a client gives
// it the identity x509 with its subject, such as "CN=client,O=zk", and makes
// ACLs know that scheme. Whose certificates are asked for and trusted is up to
// settings; a real 3.9 wants one of every client (tls.RequireAndVerifyClientCert)
// and speaks TLS 1.3 alone. settings must not be changed afterwards.
func TLS(settings *tls.Config) Option { return func(c *config) { c.tls.config = settings } }

// SecureAddr is where Listen listens for TLS; the default is a free port of
// the loopback interface. It has an effect together with TLS only.
func SecureAddr(addr string) Option { return func(c *config) { c.tls.addr = addr } }

// PortUnification makes the first port speak TLS, too, to clients that begin
// with it. It has an effect together with TLS only.
func PortUnification() Option { return func(c *config) { c.tls.unified = true } }

// X509SuperUser makes the client whose certificate has the subject, as RFC 2253
// writes it, a super user, whom no ACL holds.
func X509SuperUser(subject string) Option { return func(c *config) { c.tls.superUser = subject } }

// tlsConfig is the secure port's.
type tlsConfig struct {
	config    *tls.Config // nil: there is no such port
	addr      string
	unified   bool // the other port takes TLS as well
	provider  bool // the scheme x509 is known without a secure port
	superUser string

	files tlsFiles
}

// x509 tells whether ACLs know the scheme.
func (t *tlsConfig) x509() bool { return t.config != nil || t.provider }

// firstOfTLS is the first byte of a handshake. No frame begins with it that a
// server would take, nor does a four-letter word.
const firstOfTLS = 0x16

// handshake begins TLS, where the connection is to have it, and learns who the
// client is. It tells whether the connection can go on.
func (c *conn) handshake() bool {
	cfg := &c.server.ensemble.cfg.tls
	if cfg.unified && cfg.config != nil && !c.secure && !c.unify(cfg.config) {
		return false
	}
	secured, ok := c.net.(*tls.Conn)
	if !ok {
		return true
	}
	e := c.server.ensemble
	if err := secured.Handshake(); err != nil {
		e.cfg.logger.Debug("no TLS", "client", c.net.RemoteAddr(), "cause", err)
		e.mu.Lock()
		defer e.mu.Unlock()
		c.server.stats.badHandshakes++
		return false
	}
	if chain := secured.ConnectionState().PeerCertificates; len(chain) > 0 {
		e.mu.Lock()
		defer e.mu.Unlock()
		c.certified = true
		c.ids = cfg.identify(c.ids, subjectOf(chain[0].RawSubject))
	}
	return true
}

// identify adds what a certificate's subject proves.
func (t *tlsConfig) identify(ids []identity, subject string) []identity {
	if t.superUser != "" && subject == t.superUser {
		ids = addIdentity(ids, identity{schemeSuper, ""})
	}
	return addIdentity(ids, identity{schemeX509, subject})
}

// unify waits for the client's first byte, which tells whether it speaks TLS.
func (c *conn) unify(config *tls.Config) bool {
	first := make([]byte, 1)
	if _, err := c.net.Read(first); err != nil {
		c.logEnd(err)
		return false
	}
	var nc net.Conn = &unread{Conn: c.net, first: first}
	secure := first[0] == firstOfTLS
	if secure {
		nc = tls.Server(nc, config)
	}
	c.server.ensemble.mu.Lock()
	defer c.server.ensemble.mu.Unlock()
	c.secure = secure
	c.over(nc)
	return true
}

// unread is a connection of which the first byte has been read.
type unread struct {
	net.Conn
	first []byte
}

func (u *unread) Read(b []byte) (int, error) {
	if len(u.first) == 0 {
		return u.Conn.Read(b)
	}
	n := copy(b, u.first)
	u.first = u.first[n:]
	return n, nil
}
