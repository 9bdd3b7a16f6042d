package gssapi

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/kdc"
	"github.com/zookit/zookit/zk"
)

// conf writes a krb5.conf with KDCs.
func conf(t *testing.T, kdcs ...string) Option {
	text := "# no include\nincludedir /nowhere\n[libdefaults]\n default_realm = R\n unknown = x\n[realms]\n R = {\n"
	for _, addr := range kdcs {
		text += "  kdc = " + addr + "\n"
	}
	text += "  auth_to_local = DEFAULT\n }\n[domain_realm]\n .other.org = OTHER\n"
	path := filepath.Join(t.TempDir(), "krb5.conf")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return Krb5Conf(path)
}

// serve answers each question, until the test ends.
func serve(t *testing.T, answer func(conn net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				answer(conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l.Addr().String()
}

// reply is a KDC that answers all with the same bytes.
func reply(t *testing.T, b []byte) string {
	return serve(t, func(conn net.Conn) {
		var length [4]byte
		if _, err := io.ReadFull(conn, length[:]); err == nil {
			io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(length[:])))
		}
		conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	})
}

func refusal(t *testing.T, code int32, at time.Time) []byte {
	e := messages.NewKRBError(granter("R"), "R", code, "text")
	e.STime = at
	b, err := e.Marshal()
	require.NoError(t, err)
	return b
}

func authenticate(ctx context.Context, m *Mechanism) error {
	return m.Authenticate(ctx, zk.SASLServer{Host: "zk1"}, func([]byte) ([]byte, error) {
		return nil, io.ErrUnexpectedEOF
	})
}

func bob(t *testing.T, opts ...Option) *Mechanism {
	t.Helper()
	m, err := FromPassword("bob", "secret", opts...)
	require.NoError(t, err)
	return m
}

func TestClockOfTheKDC(t *testing.T) {
	m := bob(t, conf(t, reply(t, refusal(t, errorcode.KRB_AP_ERR_SKEW, time.Now().Add(10*time.Minute)))))
	err := authenticate(t.Context(), m)
	require.ErrorContains(t, err, "login of bob@R: the clock of the KDC is ")
	require.Regexp(t, `is (10m0s|9m59s) ahead of ours: KRB Error: \(37\) KRB_AP_ERR_SKEW`, err.Error())
	require.NotErrorIs(t, err, zk.ErrAuthFailed, "clocks are set right")
}

// No answer of a KDC makes a client fall over.
func TestOddKDCs(t *testing.T) {
	preauth := messages.NewKRBError(granter("R"), "R", errorcode.KDC_ERR_PREAUTH_REQUIRED, "")
	marshal := func(data []byte) []byte {
		preauth.EData = data
		b, err := preauth.Marshal()
		require.NoError(t, err)
		return b
	}
	for name, b := range map[string][]byte{
		"nothing": {}, "zero": {0}, "garbage": []byte("garbage"), "asn1": {0x30, 0x80}, "no hints": marshal(nil),
		"odd hints": marshal([]byte{0x30, 0x03, 1, 2, 3}), "empty info": marshal([]byte{0x30, 0x0d, 0x30, 0x0b, 0xa1, 0x03, 2, 1, 19, 0xa2, 0x04, 4, 2, 0x30, 0}),
		"always preauthentication": marshal([]byte{0x30, 0}),
	} {
		t.Run(name, func(t *testing.T) {
			m := bob(t, conf(t, reply(t, b)))
			require.ErrorContains(t, authenticate(t.Context(), m), "gssapi: login of bob@R: ")
		})
	}
	t.Run("huge", func(t *testing.T) {
		huge := serve(t, func(conn net.Conn) { conn.Write([]byte{0x7f, 0, 0, 0}) })
		require.ErrorContains(t, authenticate(t.Context(), bob(t, conf(t, huge))), "reply of 2130706432 bytes")
	})
}

// One that is mute leaves time for the next, and none keeps a client for
// longer than it has.
func TestMuteKDC(t *testing.T) {
	mute := serve(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	other := reply(t, refusal(t, errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, time.Now()))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	require.ErrorIs(t, authenticate(ctx, bob(t, conf(t, mute, other))), zk.ErrAuthFailed)
	require.NoError(t, ctx.Err())

	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	began := time.Now()
	require.Error(t, authenticate(ctx, bob(t, conf(t, mute))))
	require.Less(t, time.Since(began), time.Second, "it ends with its context")
}

func TestKDCByUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	var answers sync.WaitGroup
	t.Cleanup(func() { conn.Close(); answers.Wait() })
	b := refusal(t, errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, time.Now())
	answers.Go(func() {
		question := make([]byte, 4096)
		if _, from, err := conn.ReadFrom(question); err == nil {
			conn.WriteTo(b, from)
		}
	})
	require.ErrorIs(t, authenticate(t.Context(), bob(t, conf(t, conn.LocalAddr().String()))), zk.ErrAuthFailed)
}

func TestNames(t *testing.T) {
	m := bob(t, conf(t), Service("zoo"))
	require.Equal(t, "bob@R", m.Principal())
	for host, want := range map[string]string{"zk1": "zoo/zk1@R", "ZK1.Other.ORG": "zoo/zk1.other.org@OTHER", "10.0.0.1": "zoo/10.0.0.1@R"} {
		spn, realm, err := m.server(t.Context(), zk.SASLServer{Host: host})
		require.NoError(t, err)
		require.Equal(t, want, spn.PrincipalNameString()+"@"+realm)
	}
	m = bob(t, conf(t), ServerPrincipal("zk/all@THERE"))
	spn, realm, err := m.server(t.Context(), zk.SASLServer{Host: "zk1"})
	require.NoError(t, err)
	require.Equal(t, "zk/all@THERE", spn.PrincipalNameString()+"@"+realm)

	m = bob(t, conf(t), Canonicalize())
	spn, _, err = m.server(t.Context(), zk.SASLServer{Host: "zk1", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}})
	require.NoError(t, err)
	require.Equal(t, "zookeeper/localhost", spn.PrincipalNameString(), "as /etc/hosts has it")
}

func TestSettingsThatCannotBe(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	junk := filepath.Join(t.TempDir(), "junk")
	require.NoError(t, os.WriteFile(junk, []byte{5}, 0o600))
	_, err := FromPassword("bob", "x", Krb5Conf(none))
	require.ErrorContains(t, err, "gssapi: "+none+": ")
	_, err = FromPassword("", "x", conf(t))
	require.ErrorContains(t, err, "the principal has no name")
	_, err = FromPassword("bob", "x", conf(t), Service(""))
	require.ErrorContains(t, err, "the service has no name")
	for _, file := range []string{none, junk} {
		_, err = FromKeytab("bob", file, conf(t))
		require.ErrorContains(t, err, "gssapi: keytab "+file+": ")
		_, err = FromCache("FILE:"+file, conf(t))
		require.ErrorContains(t, err, "gssapi: credential cache "+file+": ")
	}
	_, err = FromCache("KEYRING:persistent:0", conf(t))
	require.ErrorContains(t, err, `credential cache of the kind "KEYRING"`)
	t.Setenv("KRB5CCNAME", "FILE:"+none)
	t.Setenv("KRB5_CONFIG", none)
	_, err = FromCache("")
	require.ErrorContains(t, err, none)
	_, err = FromPassword("bob", "x")
	require.ErrorContains(t, err, "gssapi: "+none+": ")
}

// A server that does not have the key of its principal cannot prove it, and no
// answer of it makes a client fall over.
func TestServersThatCannotProveThemselves(t *testing.T) {
	k := kdc.Start(t)
	k.AddUser("bob", "secret")
	k.AddKey("zookeeper/zk1")
	m := bob(t, Krb5Conf(k.Conf()))
	spn, realm, err := m.server(t.Context(), zk.SASLServer{Host: "zk1"})
	require.NoError(t, err)
	service, _, err := m.service(t.Context(), spn, realm)
	require.NoError(t, err)
	h, err := m.hello(service)
	require.NoError(t, err)
	for name, answer := range map[string][]byte{
		"nothing": nil, "empty": {}, "garbage": []byte("garbage"), "its own token": h.token, "no OID": {0x60, 0}, "short": {0x60, 0x80},
		"another mechanism": {0x60, 5, 6, 3, 42, 3, 4},
		"no kind":           append([]byte{0x60, 11, 6, 9}, h.token[len(h.token)-9:]...),
	} {
		err := m.Authenticate(t.Context(), zk.SASLServer{Host: "zk1"}, func([]byte) ([]byte, error) { return answer, nil })
		require.ErrorIs(t, err, zk.ErrAuthFailed, name)
		require.ErrorContains(t, err, "the server does not prove that it is zookeeper/zk1", name)
	}
}

// A KDC that has changed its key does not know tickets of before.
func TestKDCChangesItsKey(t *testing.T) {
	k := kdc.Start(t)
	k.AddUser("bob", "secret")
	k.AddKey("zookeeper/zk1")
	k.AddKey("zookeeper/zk2")
	m := bob(t, Krb5Conf(k.Conf()))
	service := func(host string) (cached bool, err error) {
		spn, realm, err := m.server(t.Context(), zk.SASLServer{Host: host})
		require.NoError(t, err)
		_, cached, err = m.service(t.Context(), spn, realm)
		return cached, err
	}
	_, err := service("zk1")
	require.NoError(t, err)
	_, err = service("zk3")
	require.ErrorContains(t, err, "KDC_ERR_S_PRINCIPAL_UNKNOWN")
	require.True(t, m.granting.good(), "that does not concern who asks")
	k.Admin("cpw -randkey krbtgt/" + kdc.Realm)
	_, err = service("zk2")
	require.ErrorContains(t, err, "ticket of bob@ZOOKIT.TEST for zookeeper/zk2@ZOOKIT.TEST: KRB Error")
	cached, err := service("zk2")
	require.NoError(t, err)
	require.False(t, cached)
	cached, err = service("zk2")
	require.NoError(t, err)
	require.True(t, cached)
}

// What a server offers is taken from its own seal only.
func TestOffers(t *testing.T) {
	key := types.EncryptionKey{KeyType: 18, KeyValue: make([]byte, 32)}
	ours := contextKeys{ours: key, number: 7}
	choice, err := ours.wrap([]byte{layerNone, 0, 0, 0})
	require.NoError(t, err)
	_, err = ours.choose(choice)
	require.ErrorContains(t, err, "acceptor flag", "our own token is none of the server's")
	for _, n := range []int{0, 3, 15, 16, 17} {
		_, err = ours.choose(choice[:n])
		require.Error(t, err)
	}
}

func FuzzToken(f *testing.F) {
	f.Add([]byte{0x60, 13, 6, 9, 42, 134, 72, 134, 247, 18, 1, 2, 2, 2, 0}, []byte{5, 4, 1, 255, 0, 12, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4})
	key := types.EncryptionKey{KeyType: 18, KeyValue: make([]byte, 32)}
	f.Fuzz(func(t *testing.T, answer, offer []byte) {
		proof(func() error { _, err := (&hello{session: key}).verify(answer); return err })
		if _, err := (contextKeys{ours: key}).unwrap(offer); err == nil {
			t.Fatal("a token without the key is taken")
		}
	})
}
