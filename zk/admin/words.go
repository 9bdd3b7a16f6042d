package admin

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/wire"
	"github.com/zookit/zookit/zk"
)

// What servers say instead of an answer.
var (
	// ErrNotAllowed says that the server does not answer the word, as it is
	// configured: 4lw.commands.whitelist in zoo.cfg. From 3.5 on it allows srvr
	// whatever it says, and nothing else by default.
	ErrNotAllowed = zk.ErrWordNotAllowed
	// ErrNotServing says that the server is up but has no quorum, or has just
	// begun.
	ErrNotServing = zk.ErrNotServing
	// ErrNoAnswer says that the server closed the connection without a word: it
	// does not know the word, or has another protocol on this port, such as TLS.
	ErrNoAnswer = zk.ErrNoAnswer
	// ErrTooLong says that an answer went beyond MaxAnswer.
	ErrTooLong = wire.ErrAnswerTooLong
)

// Words asks a server four-letter words, each on a connection of its own. It
// is a value to be filled in and used; it is safe for concurrent use as long
// as it is not changed.
type Words struct {
	// Addr is host and port of the server, or a host alone for port 2181. An
	// IPv6 address with a port is in brackets.
	Addr string
	// Dial makes the connections. The default is that of net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS, unless nil, is how to connect to a secureClientPort. Its ServerName
	// is the host of Addr unless it is set.
	TLS *tls.Config
	// Timeout bounds a question with its answer, beside the context. 0 is 10 s,
	// and a negative value is none.
	Timeout time.Duration
	// MaxAnswer is how many bytes an answer may have. 0 is 64 MiB. (cons and
	// wchc of a busy server have several.)
	MaxAnswer int64
}

// Ask is the answer to a word, all of it: answers end where the server closes
// the connection.
func (w *Words) Ask(ctx context.Context, word string) (string, error) {
	in, err := w.Open(ctx, word)
	if err != nil {
		return "", err
	}
	defer in.Close()
	answer, err := io.ReadAll(in)
	if err != nil {
		return "", w.fail(word, err)
	}
	return string(answer), nil
}

// Open asks a word and returns the answer as it comes. The caller closes it.
// What the server says instead of an answer is an error of Open.
func (w *Words) Open(ctx context.Context, word string) (io.ReadCloser, error) {
	if len(word) < 4 {
		return nil, w.fail(word, errors.New("it has not four letters"))
	}
	cancel := context.CancelFunc(func() {})
	if timeout := cmp.Or(w.Timeout, 10*time.Second); timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	in, err := w.open(ctx, word)
	if err != nil {
		cancel()
		return nil, w.fail(word, err)
	}
	return &answer{in, cancel}, nil
}

func (w *Words) open(ctx context.Context, word string) (*wire.WordReader, error) {
	addr := w.addr()
	dial := w.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if w.TLS != nil {
		cfg := w.TLS
		if cfg.ServerName == "" {
			cfg = cfg.Clone()
			cfg.ServerName, _, _ = net.SplitHostPort(addr)
		}
		secure := tls.Client(conn, cfg)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		conn = secure
	}
	return wire.AskWord(ctx, conn, word, cmp.Or(w.MaxAnswer, 64<<20))
}

func (w *Words) addr() string {
	if _, _, err := net.SplitHostPort(w.Addr); err == nil {
		return w.Addr
	}
	return net.JoinHostPort(strings.Trim(w.Addr, "[]"), "2181")
}

func (w *Words) fail(word string, err error) error {
	return fmt.Errorf("admin: ask %s %.4q: %w", w.Addr, word, err)
}

// An answer is open until it is closed, or its context ends.
type answer struct {
	*wire.WordReader
	cancel context.CancelFunc
}

func (a *answer) Close() error {
	a.cancel()
	return a.WordReader.Close()
}

// ask is Ask with a parser.
func ask[T any](ctx context.Context, w *Words, word string, parse func(string) (T, error)) (T, error) {
	text, err := w.Ask(ctx, word)
	if err != nil {
		var none T
		return none, err
	}
	return parse(text)
}

// Srvr is what a server tells about itself.
func (w *Words) Srvr(ctx context.Context) (Srvr, error) { return ask(ctx, w, "srvr", ParseSrvr) }

// Stat is Srvr with all connections.
func (w *Words) Stat(ctx context.Context) (Stat, error) { return ask(ctx, w, "stat", ParseStat) }

// Mntr are the metrics.
func (w *Words) Mntr(ctx context.Context) (Mntr, error) { return ask(ctx, w, "mntr", ParseMntr) }

// Conf is how the server is configured.
func (w *Words) Conf(ctx context.Context) (Conf, error) { return ask(ctx, w, "conf", ParseConf) }

// Envi is what the server runs in.
func (w *Words) Envi(ctx context.Context) (Envi, error) { return ask(ctx, w, "envi", ParseEnvi) }

// Cons are all connections with their sessions.
func (w *Words) Cons(ctx context.Context) ([]Connection, error) {
	return ask(ctx, w, "cons", ParseCons)
}

// Dump is the sessions and their ephemeral nodes.
func (w *Words) Dump(ctx context.Context) (Dump, error) { return ask(ctx, w, "dump", ParseDump) }

// Dirs is how much the server has on disk.
func (w *Words) Dirs(ctx context.Context) (Dirs, error) { return ask(ctx, w, "dirs", ParseDirs) }

// Hash are digests of the tree. It takes a server of 3.6; before 128
// transactions have passed it has none, which looks the same as a server that
// does not know the word.
func (w *Words) Hash(ctx context.Context) ([]Digest, error) {
	all, err := ask(ctx, w, "hash", ParseHash)
	if errors.Is(err, ErrNoAnswer) {
		return nil, nil
	}
	return all, err
}

// Wchs is how many watches there are.
func (w *Words) Wchs(ctx context.Context) (Wchs, error) { return ask(ctx, w, "wchs", ParseWchs) }

// Wchc are the watches by session: costly on a server with many.
func (w *Words) Wchc(ctx context.Context) ([]SessionWatches, error) {
	return ask(ctx, w, "wchc", ParseWchc)
}

// Wchp are the watches by path: costly on a server with many.
func (w *Words) Wchp(ctx context.Context) ([]PathWatches, error) {
	return ask(ctx, w, "wchp", ParseWchp)
}

// expect asks a word that has one answer.
func (w *Words) expect(ctx context.Context, word, want string) error {
	text, err := w.Ask(ctx, word)
	if err == nil && strings.TrimSpace(text) != want {
		err = w.fail(word, fmt.Errorf("the answer is %.100q and not %q", text, want))
	}
	return err
}

// Ruok is nil if the server is up, which says nothing about a quorum.
func (w *Words) Ruok(ctx context.Context) error { return w.expect(ctx, "ruok", "imok") }

// Isro tells whether the server serves reads only.
func (w *Words) Isro(ctx context.Context) (bool, error) {
	text, err := w.Ask(ctx, "isro")
	switch {
	case err != nil:
		return false, err
	case text == "ro":
		return true, nil
	case text == "rw":
		return false, nil
	case text == "null":
		return false, w.fail("isro", ErrNotServing)
	}
	return false, w.fail("isro", fmt.Errorf("the answer is %.100q", text))
}

// Crst sets the counters of all connections to 0.
func (w *Words) Crst(ctx context.Context) error {
	return w.expect(ctx, "crst", "Connection stats reset.")
}

// Srst sets the server's own counters to 0.
func (w *Words) Srst(ctx context.Context) error {
	return w.expect(ctx, "srst", "Server stats reset.")
}

// Gtmk is the trace mask: bits of what the server writes to its trace log.
func (w *Words) Gtmk(ctx context.Context) (int64, error) {
	return w.mask(ctx, "gtmk")
}

// Stmk sets the trace mask, and returns what it is then.
func (w *Words) Stmk(ctx context.Context, mask int64) (int64, error) {
	return w.mask(ctx, string(binary.BigEndian.AppendUint64([]byte("stmk"), uint64(mask))))
}

func (w *Words) mask(ctx context.Context, word string) (int64, error) {
	text, err := w.Ask(ctx, word)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, w.fail(word, err)
	}
	return n, nil
}
