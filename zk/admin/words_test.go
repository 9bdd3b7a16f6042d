package admin_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/internal/memnet"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/admin"
)

// recorded runs a test for every server of which there are answers.
func recorded(t *testing.T, kind string, f func(t *testing.T, version zk.Version, name string, answers map[string]string)) {
	files, err := filepath.Glob("testdata/*." + kind + ".txt")
	require.NoError(t, err)
	require.Greater(t, len(files), 8)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), "."+kind+".txt")
		version, err := zk.ParseVersion(name)
		require.NoError(t, err)
		version.Build = ""
		t.Run(name, func(t *testing.T) { f(t, version, name, answers(t, filepath.Base(file))) })
	}
}

func parsed[T any](t *testing.T, parse func(string) (T, error), text string) T {
	t.Helper()
	v, err := parse(text)
	require.NoError(t, err)
	return v
}

func TestWordsOfAllVersions(t *testing.T) {
	recorded(t, "words", func(t *testing.T, version zk.Version, name string, answers map[string]string) {
		role := admin.ModeStandalone
		if _, r, ok := strings.Cut(name, "-"); ok {
			role = r
		}
		srvr := parsed(t, admin.ParseSrvr, answers["srvr"])
		require.Zero(t, srvr.Version.Compare(version))
		require.NotEmpty(t, srvr.Version.Build)
		require.NotEmpty(t, srvr.Built)
		require.Equal(t, role, srvr.Mode)
		require.False(t, srvr.ReadOnly())
		require.Empty(t, srvr.Other)
		require.Positive(t, srvr.Latency.Max)
		require.GreaterOrEqual(t, float64(srvr.Latency.Max), srvr.Latency.Avg)
		require.Positive(t, srvr.Received)
		require.Positive(t, srvr.Sent)
		require.Positive(t, srvr.Nodes)
		require.Positive(t, srvr.Zxid)
		require.Equal(t, role == admin.ModeLeader, srvr.Proposals != nil)

		stat := parsed(t, admin.ParseStat, answers["stat"])
		require.NotEmpty(t, stat.Clients)
		require.Equal(t, srvr.Version, stat.Version)
		require.Equal(t, srvr.Zxid, stat.Zxid)
		require.Equal(t, srvr.Nodes, stat.Nodes)

		mntr := parsed(t, admin.ParseMntr, answers["mntr"])
		require.Equal(t, srvr.Version, mntr.Version)
		require.Equal(t, role, mntr.State)
		require.Equal(t, srvr.Nodes, mntr.Nodes)
		require.EqualValues(t, 2, mntr.Ephemerals)
		require.EqualValues(t, 2, mntr.Watches)
		require.Positive(t, mntr.Latency.Max)
		require.Positive(t, mntr.OpenFiles)
		if role == admin.ModeLeader {
			require.EqualValues(t, 2, mntr.Followers)
			require.EqualValues(t, 2, mntr.SyncedFollowers)
		}
		n, ok := mntr.Metrics.Int("zk_znode_count")
		require.True(t, ok)
		require.Equal(t, mntr.Nodes, n)

		conf := parsed(t, admin.ParseConf, answers["conf"])
		require.Equal(t, 200*time.Millisecond, conf.TickTime)
		require.Equal(t, 4*time.Second, conf.MaxSessionTimeout)
		require.Positive(t, conf.ClientPort)
		require.Equal(t, role != admin.ModeStandalone, conf.Membership != "")
		if role != admin.ModeStandalone {
			require.Positive(t, conf.ServerID)
			require.Contains(t, conf.Membership, "server.1=")
		}

		envi := parsed(t, admin.ParseEnvi, answers["envi"])
		require.Equal(t, srvr.Version, envi.Version)
		java, _ := envi.Properties.Get("java.version")
		require.NotEmpty(t, java)

		cons := parsed(t, admin.ParseCons, answers["cons"])
		i := slices.IndexFunc(cons, func(c admin.Connection) bool { return c.LastCxid > 1 })
		require.GreaterOrEqual(t, i, 0)
		c := cons[i]
		require.Equal(t, 4*time.Second, c.Timeout)
		require.NotEmpty(t, c.LastOp)
		require.NotZero(t, c.Session)
		require.WithinDuration(t, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), c.Established, 365*24*time.Hour)
		_, _, err := net.SplitHostPort(c.Addr)
		require.NoError(t, err)

		dump := parsed(t, admin.ParseDump, answers["dump"])
		require.NotEmpty(t, dump.Sessions)
		require.Len(t, dump.Ephemerals, 1)
		require.Equal(t, c.Session, dump.Ephemerals[0].Session)
		require.Len(t, dump.Ephemerals[0].Paths, 2)
		require.Contains(t, strings.Join(dump.Ephemerals[0].Paths, " "), "/with space")
		require.Empty(t, dump.Other)
		require.True(t, slices.ContainsFunc(dump.Sessions, func(s admin.DumpSession) bool { return s.ID == c.Session }))
		for _, s := range dump.Sessions {
			require.NotEqual(t, s.Expires == "", s.Timeout == 0, "one of them is told")
		}
		require.Equal(t, version.AtLeast(3, 5, 0), len(dump.Connections) > 0)

		wchs := parsed(t, admin.ParseWchs, answers["wchs"])
		require.Equal(t, admin.Wchs{Connections: 1, Paths: 2, Watches: 2}, wchs)
		wchc := parsed(t, admin.ParseWchc, answers["wchc"])
		require.Len(t, wchc, 1)
		require.Equal(t, c.Session, wchc[0].Session)
		require.Contains(t, wchc[0].Paths, "/none")
		wchp := parsed(t, admin.ParseWchp, answers["wchp"])
		require.Len(t, wchp, 2)
		require.Equal(t, []int64{c.Session}, wchp[0].Sessions)

		if version.AtLeast(3, 5, 0) {
			dirs := parsed(t, admin.ParseDirs, answers["dirs"])
			require.Positive(t, dirs.Logs)
		}
		if version.AtLeast(3, 6, 0) && role != admin.ModeFollower {
			hash := parsed(t, admin.ParseHash, answers["hash"])
			require.NotEmpty(t, hash)
			require.Positive(t, hash[0].Zxid)
			require.NotZero(t, hash[0].Digest)
		}
	})
}

func TestFormsOfLines(t *testing.T) {
	base := "Zookeeper version: 3.6.0--abc, built on 02/25/2020 14:38 GMT\nLatency min/avg/max: 0/0,5714/8\n" +
		"Received: 19\nSent: 18\nConnections: 3\nOutstanding: 0\nZxid: 0xffffffff00000001\nMode: read-only\nNode count: 8\nNew thing: of the future\n"
	s := parsed(t, admin.ParseSrvr, base)
	require.Equal(t, admin.Latency{Min: 0, Avg: 0.5714, Max: 8}, s.Latency, "a decimal comma")
	require.EqualValues(t, -0xffffffff, s.Zxid)
	require.True(t, s.ReadOnly())
	require.Equal(t, admin.Fields{{Key: "New thing", Value: "of the future"}}, s.Other)
	require.Equal(t, "02/25/2020 14:38 GMT", s.Built)

	cons := parsed(t, admin.ParseCons, " /0:0:0:0:0:0:0:1:44080[1](queued=0,recved=2,sent=2)\n /[::1]:44081[5](queued=0,recved=1,sent=0,new=7)\n host/10.0.0.1:1[0](queued=0,recved=1,sent=0)\n\n")
	require.Equal(t, "[0:0:0:0:0:0:0:1]:44080", cons[0].Addr)
	require.Equal(t, "[::1]:44081", cons[1].Addr)
	require.EqualValues(t, 5, cons[1].Interest)
	require.Equal(t, admin.Fields{{Key: "new", Value: "7"}}, cons[1].Other)
	require.Equal(t, "10.0.0.1:1", cons[2].Addr)

	require.Empty(t, parsed(t, admin.ParseCons, "\n"))
	require.Empty(t, parsed(t, admin.ParseWchc, "\n"))
	require.Empty(t, parsed(t, admin.ParseHash, ""))
	head, rest, _ := strings.Cut(base, "\n")
	require.Empty(t, parsed(t, admin.ParseStat, head+"\nClients:\n\n"+rest).Clients)
}

// An answer that was cut anywhere within its known lines is no answer.
func TestAnswersThatAreCut(t *testing.T) {
	all := answers(t, "3.9.5.words.txt")
	for word, parse := range map[string]func(string) error{
		"srvr": parserOf(admin.ParseSrvr), "stat": parserOf(admin.ParseStat), "mntr": parserOf(admin.ParseMntr),
		"envi": parserOf(admin.ParseEnvi), "cons": parserOf(admin.ParseCons), "dump": parserOf(admin.ParseDump),
		"wchs": parserOf(admin.ParseWchs), "wchc": parserOf(admin.ParseWchc), "wchp": parserOf(admin.ParseWchp),
		"dirs": parserOf(admin.ParseDirs),
	} {
		text := all[word]
		require.NoError(t, parse(text), word)
		for n := range len(text) - 1 {
			if n == 0 || text[n-1] != '\n' {
				require.Error(t, parse(text[:n]), "%s cut after %d bytes", word, n)
			}
		}
	}
}

func parserOf[T any](parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		_, err := parse(text)
		return err
	}
}

func FuzzParsers(f *testing.F) {
	parsers := []func(string) error{
		parserOf(admin.ParseSrvr), parserOf(admin.ParseStat), parserOf(admin.ParseMntr), parserOf(admin.ParseConf),
		parserOf(admin.ParseEnvi), parserOf(admin.ParseCons), parserOf(admin.ParseDump), parserOf(admin.ParseWchs),
		parserOf(admin.ParseWchc), parserOf(admin.ParseWchp), parserOf(admin.ParseDirs), parserOf(admin.ParseHash),
	}
	files, _ := filepath.Glob("testdata/*.words.txt")
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil && len(b) > 4000 {
			b = b[:4000]
			f.Add(string(b))
		}
		for _, answer := range answers(f, filepath.Base(file)) {
			if len(answer) < 2000 {
				f.Add(answer)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range parsers {
			parse(text) // it must not panic
		}
	})
}

// served is a server that answers each connection by f.
func served(t *testing.T, f func(conn net.Conn, word string)) *admin.Words {
	var network memnet.Network
	l, err := network.Listen("zk:2181")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				word := make([]byte, 12)
				n, _ := conn.Read(word)
				f(conn, string(word[:n]))
			}()
		}
	}()
	return &admin.Words{Addr: "zk", Dial: network.DialContext}
}

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := served(t, func(conn net.Conn, word string) {
			switch word {
			case "mntr":
				fmt.Fprint(conn, "mntr is not executed because it is not in the whitelist.\n")
			case "srvr":
				fmt.Fprint(conn, "This ZooKeeper instance is not currently serving requests\n")
			case "ruok":
				fmt.Fprint(conn, "im")
				time.Sleep(time.Second) // in pieces
				fmt.Fprint(conn, "ok")
			case "isro":
				fmt.Fprint(conn, "null")
			case "wchc":
				time.Sleep(time.Minute)
			}
		})
		_, err := w.Mntr(t.Context())
		require.ErrorIs(t, err, admin.ErrNotAllowed)
		require.EqualError(t, err, `admin: ask zk "mntr": mntr is not executed because it is not in the server's 4lw.commands.whitelist`)
		_, err = w.Srvr(t.Context())
		require.ErrorIs(t, err, admin.ErrNotServing)
		_, err = w.Isro(t.Context())
		require.ErrorIs(t, err, admin.ErrNotServing)
		_, err = w.Ask(t.Context(), "nope")
		require.ErrorIs(t, err, admin.ErrNoAnswer)
		_, err = w.Ask(t.Context(), "ok")
		require.Error(t, err)
		require.NoError(t, w.Ruok(t.Context()))
		require.Error(t, (&admin.Words{Addr: "other", Dial: w.Dial}).Ruok(t.Context()))

		began := time.Now()
		_, err = w.Wchc(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 10*time.Second, time.Since(began))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = w.Wchc(ctx)
		require.ErrorIs(t, err, context.Canceled)
		time.Sleep(time.Minute) // both have ended
	})
}

// kazoo reads once, and so has 8192 bytes of any answer.
func TestLongAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := strings.Repeat("x", 99) + "\n"
		w := served(t, func(conn net.Conn, word string) {
			for range 10_000 {
				if _, err := conn.Write([]byte(line)); err != nil {
					return
				}
			}
		})
		all, err := w.Ask(t.Context(), "dump")
		require.NoError(t, err)
		require.Len(t, all, 1_000_000)

		in, err := w.Open(t.Context(), "dump")
		require.NoError(t, err)
		first := make([]byte, 50)
		n, err := in.Read(first)
		require.NoError(t, err)
		require.Positive(t, n)
		require.NoError(t, in.Close(), "nobody needs to read all of it")

		w.MaxAnswer = 1_000_000
		_, err = w.Ask(t.Context(), "dump")
		require.NoError(t, err, "just so long")
		w.MaxAnswer--
		_, err = w.Ask(t.Context(), "dump")
		require.ErrorIs(t, err, admin.ErrTooLong)
	})
}

// liveWords asks every word of a server, whose session is c's.
func liveWords(t *testing.T, w *admin.Words, c *zk.Conn) {
	_, _, err := c.Create(t.Context(), "/words", []byte("x"), zk.Ephemeral)
	require.NoError(t, err)
	_, _, watch, err := c.GetW(t.Context(), "/words")
	require.NoError(t, err)
	defer watch.Close()
	require.NoError(t, w.Ruok(t.Context()))
	readOnly, err := w.Isro(t.Context())
	require.NoError(t, err)
	require.False(t, readOnly)
	ask := func(name string, err error) { t.Helper(); require.NoError(t, err, name) }
	srvr, err := w.Srvr(t.Context())
	ask("srvr", err)
	stat, err := w.Stat(t.Context())
	ask("stat", err)
	require.Equal(t, srvr.Version, stat.Version)
	_, err = w.Mntr(t.Context())
	ask("mntr", err)
	_, err = w.Conf(t.Context())
	ask("conf", err)
	envi, err := w.Envi(t.Context())
	ask("envi", err)
	require.Equal(t, srvr.Version, envi.Version)
	cons, err := w.Cons(t.Context())
	ask("cons", err)
	require.True(t, slices.ContainsFunc(cons, func(k admin.Connection) bool { return k.Session == c.Session().ID() }))
	dump, err := w.Dump(t.Context())
	ask("dump", err)
	require.Contains(t, dump.Ephemerals, admin.Ephemerals{Session: c.Session().ID(), Paths: []string{"/words"}})
	_, err = w.Dirs(t.Context())
	ask("dirs", err)
	wchs, err := w.Wchs(t.Context())
	ask("wchs", err)
	require.Positive(t, wchs.Watches)
	wchc, err := w.Wchc(t.Context())
	ask("wchc", err)
	require.Contains(t, wchc, admin.SessionWatches{Session: c.Session().ID(), Paths: []string{"/words"}})
	wchp, err := w.Wchp(t.Context())
	ask("wchp", err)
	require.Contains(t, wchp, admin.PathWatches{Path: "/words", Sessions: []int64{c.Session().ID()}})
	mask, err := w.Gtmk(t.Context())
	ask("gtmk", err)
	set, err := w.Stmk(t.Context(), mask|1)
	ask("stmk", err)
	require.Equal(t, mask|1, set)
	_, err = w.Hash(t.Context())
	ask("hash", err)
	ask("crst", w.Crst(t.Context()))
	ask("srst", w.Srst(t.Context()))

	version, err := c.ServerVersion(t.Context())
	require.NoError(t, err)
	require.Equal(t, srvr.Version, version)
	text, err := c.Word(t.Context(), "srvr")
	require.NoError(t, err)
	_, err = admin.ParseSrvr(text)
	require.NoError(t, err)
}

func TestWordsFake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := harness.New(t, harness.Fake())
		liveWords(t, &admin.Words{Addr: e.Servers()[0].Addr(), Dial: e.DialContext}, e.Connect().Conn)
	})
}

func TestWordsFakeByTLS(t *testing.T) {
	e := harness.New(t, harness.Fake(), harness.TLS())
	liveWords(t, &admin.Words{Addr: e.Servers()[0].Addr(), Dial: e.DialContext}, e.Connect().Conn)
	bare := &admin.Words{Addr: e.Servers()[0].Addr(), Dial: e.Fake().DialContext, TLS: e.TLS()}
	require.NoError(t, bare.Ruok(t.Context()))
}

func TestWordsReal(t *testing.T) {
	t.Run("standalone", func(t *testing.T) {
		e := harness.New(t, harness.Java(), harness.Version("3.9.5"))
		liveWords(t, &admin.Words{Addr: e.Servers()[0].Addr()}, e.Connect().Conn)
	})
	t.Run("tls", func(t *testing.T) {
		e := harness.New(t, harness.Java(), harness.Version("3.9.5"), harness.TLS())
		w := &admin.Words{Addr: e.Servers()[0].Addr(), TLS: e.TLS()}
		liveWords(t, w, e.Connect().Conn)
		w.TLS, w.Timeout = nil, 5*time.Second
		_, err := w.Srvr(t.Context())
		require.Error(t, err, "without TLS")
		t.Log(err)
	})
	t.Run("whitelist", func(t *testing.T) {
		e := harness.New(t, harness.Java(), harness.Version("3.9.5"), harness.Config("4lw.commands.whitelist=srvr"))
		_, err := (&admin.Words{Addr: e.Servers()[0].Addr()}).Mntr(t.Context())
		require.ErrorIs(t, err, admin.ErrNotAllowed)
		_, err = e.Connect().ServerVersion(t.Context())
		require.NoError(t, err)
	})
	t.Run("srvr is always allowed", func(t *testing.T) {
		e := harness.New(t, harness.Java(), harness.Version("3.9.5"), harness.Config("4lw.commands.whitelist=none"))
		_, err := e.Connect().ServerVersion(t.Context())
		require.NoError(t, err)
	})
}
