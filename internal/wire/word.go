package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

var (
	// ErrWordNotAllowed says that a server does not answer a word, as it is
	// configured.
	ErrWordNotAllowed = errors.New("not executed because it is not in the server's 4lw.commands.whitelist")
	// ErrNotServing says that a server is up, but has no quorum, or has just begun.
	ErrNotServing = errors.New("the server is not currently serving requests")
	// ErrNoAnswer says that a server closed the connection and said nothing.
	ErrNoAnswer = errors.New("the server closed the connection without an answer; it does not know the word, or has another protocol on this port")
	// ErrAnswerTooLong says that an answer went beyond the limit.
	ErrAnswerTooLong = errors.New("the answer is too long")
)

// What servers say instead of an answer. The first follows the word.
const (
	notAllowed = " is not executed because it is not in the whitelist."
	notServing = "This ZooKeeper instance is not currently serving requests"
)

// A WordReader reads the answer to a four-letter word as it comes.
type WordReader struct {
	ctx  context.Context
	stop func() bool
	conn net.Conn
	in   *bufio.Reader
	most int64 // bytes that may yet be read
}

// AskWord sends a word on a connection of its own, which the reader takes
// over. The word may have arguments behind it. What the server says instead of
// an answer is an error. An answer of more than limit bytes ends in one. ctx
// bounds everything until Close.
func AskWord(ctx context.Context, conn net.Conn, word string, limit int64) (*WordReader, error) {
	r := &WordReader{ctx: ctx, conn: conn, in: bufio.NewReader(conn), most: limit}
	r.stop = context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	if err := r.ask(word); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *WordReader) ask(word string) error {
	if _, err := io.WriteString(r.conn, word); err != nil {
		return r.why(err)
	}
	name := word[:min(4, len(word))]
	head, err := r.in.Peek(len(notServing))
	switch {
	case strings.HasPrefix(string(head), notServing):
		return ErrNotServing
	case strings.HasPrefix(string(head), name+notAllowed):
		return fmt.Errorf("%s is %w", name, ErrWordNotAllowed)
	case len(head) > 0 || err == nil:
		return nil
	case err == io.EOF:
		return ErrNoAnswer
	}
	return r.why(err)
}

// why is the end of ctx where that has caused err.
func (r *WordReader) why(err error) error {
	if ended := r.ctx.Err(); ended != nil && err != io.EOF {
		return ended
	}
	return err
}

func (r *WordReader) Read(b []byte) (int, error) {
	if r.most <= 0 {
		if _, err := r.in.ReadByte(); err != nil {
			return 0, r.why(err)
		}
		return 0, ErrAnswerTooLong
	}
	n, err := r.in.Read(b[:min(int64(len(b)), r.most)])
	r.most -= int64(n)
	if err != nil {
		err = r.why(err)
	}
	return n, err
}

// Close ends the connection.
func (r *WordReader) Close() error {
	r.stop()
	return r.conn.Close()
}
