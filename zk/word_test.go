package zk

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// answer takes a connection and answers the word that comes on it.
func (s *script) answer(addr, word, answer string) {
	s.t.Helper()
	conn, err := s.listeners[addr].Accept()
	require.NoError(s.t, err)
	defer conn.Close()
	got := make([]byte, 4)
	_, err = io.ReadFull(conn, got)
	require.NoError(s.t, err)
	require.Equal(s.t, word, string(got))
	_, err = io.WriteString(conn, answer)
	require.NoError(s.t, err)
}

func TestWordAsksTheServerOfTheSession(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		wait := s.dial("b,a", Seed(first("b", "a")))
		p := s.accept("b:2181")
		p.welcome(9 * time.Second)
		c, err := wait()
		require.NoError(t, err)
		text := ""
		asked := async(func() (err error) { text, err = c.Word(bg, "srvr"); return err })
		s.answer("b:2181", "srvr", "Mode: leader\n")
		require.NoError(t, asked.wait())
		require.Equal(t, "Mode: leader\n", text)

		asked = async(func() error { _, err := c.Word(bg, "mntr"); return err })
		s.answer("b:2181", "mntr", "mntr is not executed because it is not in the whitelist.\n")
		err = asked.wait()
		require.ErrorIs(t, err, ErrWordNotAllowed)
		require.ErrorContains(t, err, "zk: ask mntr: ")

		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		_, err = c.Word(ctx, "srvr") // nobody accepts it
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = c.Word(bg, "ok")
		require.ErrorIs(t, err, ErrBadArguments)

		go p.answerAll()
		require.NoError(t, c.Close())
		_, err = c.Word(bg, "srvr")
		require.ErrorIs(t, err, ErrClosed)
	})
}

func TestServerVersion(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		version := func() *result {
			return async(func() error {
				v, err := c.ServerVersion(bg)
				if err == nil {
					require.True(t, v.AtLeast(3, 9, 0))
				}
				return err
			})
		}
		const refused = " is not executed because it is not in the whitelist.\n"
		asked := version()
		s.answer("a:2181", "srvr", "Zookeeper version: 3.9.5-293c, built on 2026\nMode: leader\n")
		require.NoError(t, asked.wait())

		asked = version()
		s.answer("a:2181", "srvr", "srvr"+refused)
		s.answer("a:2181", "envi", "Environment:\nzookeeper.version=3.9.5-293c, built on 2026\n")
		require.NoError(t, asked.wait())

		asked = version()
		s.answer("a:2181", "srvr", "srvr"+refused)
		s.answer("a:2181", "envi", "envi"+refused)
		require.ErrorIs(t, asked.wait(), ErrWordNotAllowed, "and is not asked again")

		asked = version()
		s.answer("a:2181", "srvr", "Mode: leader\n")
		s.answer("a:2181", "envi", "Environment:\n")
		s.answer("a:2181", "srvr", "Zookeeper version: 3.9.5, built on 2026\n")
		require.NoError(t, asked.wait(), "it tries again")

		asked = version()
		for range versionTries {
			s.answer("a:2181", "srvr", "Mode: leader\n")
			s.answer("a:2181", "envi", "Environment:\n")
		}
		require.ErrorIs(t, asked.wait(), errNoVersion)

		s.listeners["a:2181"].Close()
		p.conn.Close()
		_, err := c.WaitState(bg, Suspended)
		require.NoError(t, err)
		_, err = c.ServerVersion(bg)
		require.ErrorIs(t, err, ErrConnectionLoss)
		c.Close()
	})
}
