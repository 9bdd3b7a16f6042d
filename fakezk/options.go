package fakezk

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// An Option configures Listen and New.
type Option func(*config)

// config is a server's configuration; the defaults are those of ZooKeeper 3.9.
type config struct {
	addr        string // to listen on; "" picks one
	tickTime    time.Duration
	minTimeout  time.Duration // 0: 2 ticks
	maxTimeout  time.Duration // 0: 20 ticks
	maxPerHost  int           // connections from one address; 0: no limit
	maxConns    int           // connections in all; 0: no limit
	idleTimeout time.Duration // of a connection that never asked for a session
	maxBuffer   int           // bytes of a request

	fourLetter   map[string]bool // enabled words; "*" is all; nil is as the release has it
	readOnlyMode bool            // on a server that stands alone this enables isro, and that is all
	release      release
	quirks       quirks
	serverID     int64
	logger       *slog.Logger
	reconfig     bool
	skipACL      bool
	enforceQuota bool
	superDigest  string
	dataDir      string // for conf to tell
	dataLogDir   string
	backlog      int
	enforceAuth  []string // schemes; a connection needs one of them
	sasl         saslConfig
	tls          tlsConfig

	// Of enforce.auth.* and sessionRequireClientSASLAuth, which make enforceAuth:
	enforceConfigured, requireSASL bool
	enforceSchemes                 []string

	extendedTypes   bool
	reapInterval    time.Duration // between looks for containers and TTL nodes to delete
	neverUsed       time.Duration // a container that never had a child lives so long; 0: for ever
	reapedPerMinute int

	latencySeed               uint64
	latencyLeast, latencyMost time.Duration

	zooCfg     string            // as it was given
	properties map[string]string // of the system: from flags and files, for the AdminServer to tell
	admin      adminOptions

	acls     *aclCache
	errs     []error  // of options
	warnings []string // of configuration files, to be logged
}

func newConfig(opts []Option) (*config, error) {
	c := &config{
		tickTime: 3 * time.Second, maxPerHost: 60, idleTimeout: 10 * time.Second, maxBuffer: proto.MaxBuffer,
		release: newest, logger: slog.New(slog.DiscardHandler), serverID: 1, backlog: -1,
		reapInterval: time.Minute, reapedPerMinute: 10000, acls: &aclCache{},
	}
	for _, o := range opts {
		o(c)
	}
	c.forget()
	c.fail(c.combineEnforced())
	c.fail(c.readJAAS())
	c.fail(c.readTLSFiles())
	if c.minTimeout == 0 {
		c.minTimeout = 2 * c.tickTime
	}
	if c.maxTimeout == 0 {
		c.maxTimeout = 20 * c.tickTime
	}
	return c, c.validate()
}

// enabled tells whether a four-letter word may be asked.
func (c *config) enabled(word string) bool {
	if c.fourLetter == nil && c.quirks.mostWords {
		return c.quirks.allWords || word != "wchc" && word != "wchp"
	}
	return word == "srvr" || c.fourLetter[word] || c.fourLetter["*"] || word == "isro" && c.readOnlyMode
}

func (c *config) validate() error {
	bad := func(ok bool, format string, args ...any) {
		if !ok {
			c.errs = append(c.errs, fmt.Errorf("fakezk: "+format, args...))
		}
	}
	bad(c.tickTime >= time.Millisecond, "tick time %v: at least 1ms", c.tickTime)
	bad(c.minTimeout >= time.Millisecond, "minimum session timeout %v: at least 1ms", c.minTimeout)
	bad(c.minTimeout <= c.maxTimeout, "session timeouts: the minimum %v is above the maximum %v", c.minTimeout, c.maxTimeout)
	bad(c.maxBuffer > 0, "maximum request of %d bytes: at least 1", c.maxBuffer)
	bad(c.maxPerHost >= 0 && c.maxConns >= 0, "maximum of connections: 0 (no limit) or more")
	bad(c.idleTimeout > 0, "timeout of connections without a session %v: more than 0", c.idleTimeout)
	bad(c.neverUsed >= 0, "lifetime of a container never used %v: 0 (for ever) or more", c.neverUsed)
	for _, scheme := range c.enforceAuth {
		known := slices.Contains([]string{schemeDigest, schemeIP, schemeSASL, schemeX509}, scheme)
		bad(known, "authentication scheme %q to enforce: digest, ip, sasl or x509", scheme)
	}
	bad(c.reapInterval > 0, "interval of looking for containers to delete %v: more than 0", c.reapInterval)
	bad(0 <= c.latencyLeast && c.latencyLeast <= c.latencyMost, "latency from %v to %v: least is 0 to most", c.latencyLeast, c.latencyMost)
	bad(c.reapedPerMinute > 0, "containers deleted in a minute %d: at least 1", c.reapedPerMinute)
	return errors.Join(c.errs...)
}

// Addr is where Listen listens, such as "127.0.0.1:2181"; the default is a
// free port of the loopback interface.
func Addr(addr string) Option { return func(c *config) { c.addr = addr } }

// TickTime is the grain of session expiry, at least 1 ms; the default is 3 s.
// It also sets the default session timeouts: 2 to 20 ticks.
func TickTime(d time.Duration) Option { return func(c *config) { c.tickTime = d } }

// SessionTimeouts bounds what clients may ask for; the default is 2 and 20
// ticks. 0 leaves a default in place.
func SessionTimeouts(least, most time.Duration) Option {
	return func(c *config) { c.minTimeout, c.maxTimeout = least, most }
}

// MaxClientConns is how many connections one address may have; the default is
// 60, and 0 is no limit.
func MaxClientConns(n int) Option { return func(c *config) { c.maxPerHost = n } }

// MaxConns is how many connections there may be in all; the default, 0, is no
// limit.
func MaxConns(n int) Option { return func(c *config) { c.maxConns = n } }

// IdleTimeout is how long a connection may be open without asking for a
// session; it ends within twice that. The default is 10 s.
func IdleTimeout(d time.Duration) Option { return func(c *config) { c.idleTimeout = d } }

// MaxRequest is how many bytes a request may have, as jute.maxbuffer sets it;
// a longer one ends the connection. The default is 1,048,575.
func MaxRequest(bytes int) Option { return func(c *config) { c.maxBuffer = bytes } }

// FourLetterWords enables commands such as "ruok"; "*" enables all. The default
// is "srvr" alone, which is always enabled. By default 3.4 enables all but wchc
// and wchp; before 3.4.10, and in 3.5.0 to 3.5.2, all are always enabled.
func FourLetterWords(words ...string) Option {
	return func(c *config) {
		c.fourLetter = nil
		if len(words) > 0 {
			c.fourLetter = map[string]bool{"srvr": true}
		}
		for _, w := range words {
			c.fourLetter[w] = true
		}
	}
}

// ExtendedTypes enables TTL znodes, which are off by default.
func ExtendedTypes() Option { return func(c *config) { c.extendedTypes = true } }

// ReapInterval is how often the server looks for containers without children
// and for TTL znodes past their time; the default is a minute.
func ReapInterval(d time.Duration) Option { return func(c *config) { c.reapInterval = d } }

// NeverUsed is how long a container lives that never had a child; the default,
// 0, is for ever.
func NeverUsed(d time.Duration) Option { return func(c *config) { c.neverUsed = d } }

// EnforceAuth ends every connection that makes a request without an identity
// of one of the schemes, which are "digest", "ip" (which all have), "sasl" (see
// SASL) and "x509" (see TLS). By default none is needed.
func EnforceAuth(schemes ...string) Option { return func(c *config) { c.enforceAuth = schemes } }

// Reconfig enables the request of that name, which a server that stands alone
// then refuses with another error.
func Reconfig() Option { return func(c *config) { c.reconfig = true } }

// SuperDigest makes a digest identity the super user, whom no ACL holds: the
// text is "super:" and the base64 of the SHA-1 of "super:password", as
// zookeeper.DigestAuthenticationProvider.superDigest has it.
func SuperDigest(digest string) Option { return func(c *config) { c.superDigest = digest } }

// SkipACL makes all ACLs void.
func SkipACL() Option { return func(c *config) { c.skipACL = true } }

// EnforceQuota makes creates and sets fail that exceed a hard limit.
func EnforceQuota() Option { return func(c *config) { c.enforceQuota = true } }

// Logger is where the server tells of connections and sessions; the default
// discards.
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// Latency gives each link of an ensemble in memory delays between least and
// most, which depend on seed alone. With it, concurrent clients in a synctest
// bubble have one order of events for each seed.
func Latency(seed uint64, least, most time.Duration) Option {
	return func(c *config) { c.latencySeed, c.latencyLeast, c.latencyMost = seed, least, most }
}
