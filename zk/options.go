package zk

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// An Option changes one setting of [Dial].
type Option func(*config)

type config struct {
	timeout    time.Duration
	dial       func(ctx context.Context, network, addr string) (net.Conn, error)
	tls        *tls.Config // nil: none
	log        *slog.Logger
	auths      []*credential
	acl        []ACL         // see DefaultACL
	limit      time.Duration // of a request, 0 for none; see RequestTimeout
	sasl       Mechanism     // nil: none
	saslGiven  bool
	attach     *Session
	readOnly   bool
	maxFrame   int
	maxRequest int
	seed       uint64
	hooks      hooks
	follow     bool
	followBy   func(Member) string
	chroot     string // of the connect string

	resolver     Resolver
	resolves     bool          // there is Resolve
	byName       bool          // there is Dialer
	attempt      time.Duration // 0: see budget
	connectRetry RetryPolicy
	lostAfter    float64
	oneSession   bool
	createChroot bool

	commandRetry RetryPolicy
}

func newConfig(opts []Option) (config, error) {
	cfg := config{
		timeout:    10 * time.Second,
		log:        slog.New(slog.DiscardHandler),
		maxFrame:   16 << 20,
		maxRequest: proto.MaxBuffer,
		seed:       rand.Uint64(),

		dial:         new(net.Dialer).DialContext,
		resolver:     net.DefaultResolver,
		connectRetry: DecorrelatedJitter{},
		lostAfter:    1,
		commandRetry: defaultCommandRetry(),
	}
	for _, opt := range opts {
		opt(&cfg)
	}
	return cfg, cfg.validate()
}

func (cfg *config) validate() error {
	switch {
	case cfg.timeout < time.Millisecond || cfg.timeout > math.MaxInt32*time.Millisecond:
		return fmt.Errorf("session timeout %v is not between 1ms and %v", cfg.timeout, math.MaxInt32*time.Millisecond)
	case cfg.limit < 0:
		return fmt.Errorf("request timeout %v is negative", cfg.limit)
	case cfg.dial == nil:
		return fmt.Errorf("dialer is nil")
	case cfg.resolver == nil:
		return fmt.Errorf("resolver is nil")
	case cfg.attempt < 0:
		return fmt.Errorf("timeout %v of an attempt is negative", cfg.attempt)
	case cfg.connectRetry == nil:
		return fmt.Errorf("policy of ConnectRetry is nil")
	case cfg.lostAfter != 0 && !(cfg.lostAfter >= 0.5 && cfg.lostAfter <= 10):
		return fmt.Errorf("factor %v of LostAfter is neither 0 nor between 0.5 and 10", cfg.lostAfter)
	case cfg.log == nil:
		return fmt.Errorf("logger is nil")
	case cfg.saslGiven && cfg.sasl == nil:
		return fmt.Errorf("SASL mechanism is nil")
	case cfg.badAuth() != nil:
		return cfg.badAuth()
	case cfg.attach != nil && cfg.attach.id == 0:
		return fmt.Errorf("session to attach to has id 0")
	case cfg.maxFrame < minFrame || cfg.maxFrame > math.MaxInt32:
		return fmt.Errorf("frame limit %d is not between %d and %d", cfg.maxFrame, minFrame, math.MaxInt32)
	case cfg.maxRequest < minFrame || cfg.maxRequest > math.MaxInt32:
		return fmt.Errorf("request limit %d is not between %d and %d", cfg.maxRequest, minFrame, math.MaxInt32)
	case cfg.commandRetry == nil:
		return fmt.Errorf("policy of CommandRetry is nil")
	}
	return nil
}

// minFrame is the least limit with which a handshake is possible.
const minFrame = 64

// SessionTimeout is how long the server keeps the session without hearing from
// the client, at least 1 ms. The server may grant another; see
// [Session.Timeout]. The default is 10 s.
func SessionTimeout(d time.Duration) Option { return func(c *config) { c.timeout = d } }

// Dialer makes the connections, for proxies or tests. It is given "tcp"
// and a host and port as they stand in the connect string or in a SRV record,
// not resolved, unless [Resolve] is given too. It must return when ctx ends. The
// default is that of [net.Dialer].
func Dialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return func(c *config) { c.dial, c.byName = dial, true }
}

// Logger is told of connections and sessions that come and go. The default
// discards.
func Logger(log *slog.Logger) Option { return func(c *config) { c.log = log } }

// Auth adds a credential as [Conn.AddAuth] does, before the session is used.
// It may be given several times. If a server refuses one, Dial fails with
// [ErrAuthFailed].
func Auth(scheme string, cred []byte) Option {
	cred = bytes.Clone(cred)
	return func(c *config) { c.auths, _ = addCredential(c.auths, scheme, cred) }
}

// Attach resumes a session instead of beginning one. Dial fails with
// [ErrSessionExpired] if it is not alive, or the password is wrong. A server
// that has the session on another connection closes that one. Two Conns with
// one session would take it from each other for ever: see [Conn.Detach].
func Attach(id int64, password []byte) Option {
	s := &Session{id: id, password: bytes.Clone(password)}
	return func(c *config) { c.attach = s }
}

// MaxFrame limits the replies and events that are accepted, in bytes. A longer
// one ends the connection. The default is 16 MiB.
func MaxFrame(n int) Option { return func(c *config) { c.maxFrame = n } }

// MaxRequest limits the requests that are sent, in bytes: a longer one fails
// at once with [ErrBadArguments], where the server would cut the connection.
// The default is that of the server's jute.maxbuffer, 1,048,575; a server
// configured for more needs it raised here too.
func MaxRequest(n int) Option { return func(c *config) { c.maxRequest = n } }

// Seed makes what the client draws repeatable: the order of the hosts, the
// lengths of pauses, and the names of protected nodes. By default all are
// random.
func Seed(seed uint64) Option { return func(c *config) { c.seed = seed } }
