package zk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/zookit/zookit/internal/wire"
)

var (
	// ErrWordNotAllowed says that a server does not answer a four-letter word,
	// as it is configured: 4lw.commands.whitelist in zoo.cfg. From 3.5 on it
	// allows srvr whatever it says, and nothing else by default.
	ErrWordNotAllowed = wire.ErrWordNotAllowed
	// ErrNotServing says that a server is up but has no quorum, or has just begun.
	ErrNotServing = wire.ErrNotServing
	// ErrNoAnswer says that a server closed the connection without an answer to
	// a four-letter word.
	ErrNoAnswer = wire.ErrNoAnswer
)

// maxAnswer is how many bytes of an answer Word takes.
const maxAnswer = 64 << 20

// Word asks the server that the Conn is connected to a four-letter word, such
// as "srvr", and returns all of its answer: 64 MiB at most, which ctx bounds
// too. It goes by a connection of its own, made as those of the session are,
// with the same [Dialer] and TLS. It fails with [ErrConnectionLoss] while
// there is no connection, and does not wait for one. Package zk/admin reads
// the answers, and asks servers that there is no session with.
func (c *Conn) Word(ctx context.Context, word string) (string, error) {
	answer, err := c.word(ctx, word)
	if err != nil {
		return "", &Error{Op: "ask", Path: word, Err: err}
	}
	return answer, nil
}

func (c *client) word(ctx context.Context, word string) (string, error) {
	if len(word) < 4 {
		return "", badArguments(errors.New("the word has not four letters"))
	}
	c.mu.Lock()
	l, cause := c.link, c.cause
	if c.fatal != nil {
		cause = c.fatal
	}
	c.mu.Unlock()
	if l == nil {
		return "", &lossError{cause}
	}
	conn, err := c.dial(ctx, l.at) // the very address, where a name has several
	if err != nil {
		return "", &lossError{err}
	}
	in, err := wire.AskWord(ctx, conn, word, maxAnswer)
	if err != nil {
		return "", err
	}
	defer in.Close()
	answer, err := io.ReadAll(in)
	return string(answer), err
}

// versionTries is how often ServerVersion asks.
const versionTries = 3

// ServerVersion is the version of the server that the Conn is connected to. It
// asks srvr, which servers from 3.5 on always answer, and then envi. If neither
// is answered, as an older server may be configured or by a proxy's fault, it
// fails with [ErrWordNotAllowed] or [ErrNoAnswer]: nothing else in the protocol
// tells the version. (The command srvr of an AdminServer does; see package
// zk/admin.) An answer without a version is asked for again, three times in
// all.
func (c *Conn) ServerVersion(ctx context.Context) (Version, error) {
	var all []error
	for range versionTries {
		v, err := c.serverVersion(ctx)
		if err == nil {
			return v, nil
		}
		all = append(all, err)
		if ctx.Err() != nil || !errors.Is(err, errNoVersion) {
			break
		}
	}
	return Version{}, &Error{Op: "server version", Err: errors.Join(all...)}
}

// errNoVersion says that a server has answered, and not told.
var errNoVersion = errors.New("there is no version in the answer")

func (c *client) serverVersion(ctx context.Context) (Version, error) {
	var all []error
	for word, key := range versionWords {
		answer, err := c.word(ctx, word)
		if err != nil {
			all = append(all, err)
			if errors.Is(err, ErrWordNotAllowed) || errors.Is(err, ErrNotServing) {
				continue // the other word may be allowed, and envi needs no quorum
			}
			break
		}
		for line := range strings.Lines(answer) {
			if text, ok := strings.CutPrefix(line, key); ok {
				if v, err := ParseVersion(text); err == nil {
					return v, nil
				}
			}
		}
		all = append(all, fmt.Errorf("%s: %w", word, errNoVersion))
	}
	return Version{}, errors.Join(all...)
}

// versionWords yields the words that tell the version, and what stands before it.
func versionWords(yield func(word, key string) bool) {
	_ = yield("srvr", "Zookeeper version: ") && yield("envi", "zookeeper.version=")
}
