package fakezk_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// distinguished are ids of ACLs, good and bad.
var distinguished = []string{
	"CN=client,O=zk", "CN=client, O=zk", "cn=client,o=zk", "O=zk,CN=client", "", " ", "x", "CN", "CN=", "CN=,O=b", "CN=;O=b", "CN=a,", "=a",
	",CN=a", "CN=a,,O=b", "CN=a;O=b", "CN=a+O=b", "FOO=a", "1.2.3=a", "OID.1.2.3=a", "1.2.3=#0403010203", "CN=#zz", "CN=#", "CN=#04",
	`CN="a,b"`, `CN="a`, `CN="a"b`, `CN="a" `, `CN="a" ,O=b`, `CN="a\"b"`, `CN=""`, `CN=a\`, `CN=a\,b`, `CN=a\zz`, `CN=a\41`, `CN=a"b`,
	"EMAILADDRESS=a@b", "emailaddress=x", "E=a", "UID=a", "SERIALNUMBER=1", "DC=a", "STREET=a", "S=a", "ST=a", "T=a", "IP=1", "GIVENNAME=a",
	"SURNAME=a", "INITIALS=a", "GENERATION=a", "DNQ=a", "DNQUALIFIER=a", "GN=a", "SN=a", "POSTALCODE=1", "C=DE", "C=", "CN=ä", "CN=a\nb",
	" CN=a ", "CN =a", "CN= a", "CN=a b", "CN=a<b", "CN=a>b", "CN=a=b", "CN=a#b", "CN= #b", "CN=a+", "CN=a+x", "1=a", "1.2=a", "3.2.1=a",
	"0.40=a", "2.47=a", "CN=\x00", "anyone", `CN=a\ `, `CN=\ a`, "oid.2.5.4.3=a", "1.2.3=a,CN=b", "CN=a,O", "EMAIL=a", "TITLE=a", `CN=\+`, "CN=+", "CN=a,O= ",
	"C N=a", "CN=a\\\nb", "CN=a;", "CN=a, ", "OU=a,OU=b", "CN=a\\<b", "CN=\\\\", "CN=a\\#", "CN=\tx", "\tCN=x", "CN\n=x",
}

// TestTLSAnswersAsJava has clients with many certificates and without one, on
// both ports.
func TestTLSAnswersAsJava(t *testing.T) {
	ca := newAuthority(t)
	stranger := newAuthority(t)
	stranger.cert.Raw = nil // it trusts nobody, and nobody trusts it
	clients := map[string]*tls.Config{"none": ca.client(nil)}
	for name, der := range subjects() {
		clients[name] = ca.client(der)
	}
	clients["of a stranger"] = stranger.client(subjects()["plain"])
	clients["of a stranger"].RootCAs = ca.pool()
	clients["TLS 1.2"] = ca.client(subjects()["plain"])
	clients["TLS 1.2"].MaxVersion = tls.VersionTLS12
	clients["TLS 1.2 without"] = ca.client(nil)
	clients["TLS 1.2 without"].MaxVersion = tls.VersionTLS12
	run := func(t *testing.T, tg target) map[string]string {
		transcripts := map[string]string{}
		for name, config := range clients {
			for port, addr := range map[string]string{"secure": tg.secure, "plain": tg.plain} {
				s := speakOver(t, addr, config)
				if s.SessionID != 0 {
					s.say("version %x", s.nc.(*tls.Conn).ConnectionState().Version)
				}
				s.whoAmI()
				s.auth("x509", "")
				s.whoAmI()
				transcripts[name+" on "+port] = s.String()
				s.nc.Close()
			}
		}
		s := speak(t, tg.plain)
		s.whoAmI()
		s.auth("x509", "")
		s.ended()
		transcripts["plain"] = s.String()
		return transcripts
	}
	for name, lines := range map[string][]string{
		"need":       nil,
		"want":       {"ssl.clientAuth=want", "ssl.protocol=TLSv1.2"},
		"none":       {"ssl.clientAuth=none"},
		"super user": {"X509AuthenticationProvider.superUser=CN=client,O=zk", "ssl.enabledProtocols=TLSv1.2,TLSv1.3"},
		"unified":    {"client.portUnification=true", "authProvider.x=org.apache.zookeeper.server.auth.X509AuthenticationProvider"},
		"enforced":   {"enforce.auth.enabled=true", "enforce.auth.schemes=x509"},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeAndJava(t, setup{lines: append(ca.files(), lines...), secure: true}, run)
		})
	}
}

// TestX509InACLsAsJava has who may read what, and which names are good.
func TestX509InACLsAsJava(t *testing.T) {
	ca := newAuthority(t)
	run := func(t *testing.T, tg target) map[string]string {
		plain := speakOver(t, tg.secure, ca.client(subjects()["plain"]))
		plain.create("/mine", "x509", "CN=client,O=zk")
		plain.create("/other", "x509", "CN=client, O=zk")
		plain.create("/auth", "auth", "")
		all := map[string]*speaker{
			"plain": plain, "signs": speakOver(t, tg.secure, ca.client(subjects()["signs"])), "no TLS": speak(t, tg.plain),
		}
		transcripts := map[string]string{}
		for name, s := range all {
			for _, path := range []string{"/mine", "/other", "/auth"} {
				s.get(path)
				s.acl(path)
			}
			transcripts[name] = s.String()
		}
		for i, id := range distinguished {
			s := all["no TLS"]
			before := s.lines.Len()
			s.create(fmt.Sprintf("/id-%d", i), "x509", id)
			transcripts["id "+id] = s.lines.String()[before:]
		}
		s := all["no TLS"]
		s.do("null id", proto.OpCreate, proto.CreateRequest{
			Path: "/null", ACL: []proto.ACL{{Perms: proto.PermAll, Scheme: "x509", NullID: true}},
		}.AppendTo(nil))
		transcripts["null"] = s.String()
		return transcripts
	}
	t.Run("secure port", func(t *testing.T) { onFakeAndJava(t, setup{lines: ca.files(), secure: true}, run) })
}

// TestSessionsMoveBetweenPorts has a session that goes on over TLS, and back.
func TestSessionsMoveBetweenPorts(t *testing.T) {
	ca := newAuthority(t)
	run := func(t *testing.T, tg target) map[string]string {
		first := speak(t, tg.plain)
		first.auth("digest", "a:b")
		first.do("ephemeral", proto.OpCreate, proto.CreateRequest{
			Path: "/e", Flags: proto.FlagEphemeral, ACL: []proto.ACL{{Perms: proto.PermAll, Scheme: "world", ID: "anyone"}},
		}.AppendTo(nil))
		second := &speaker{t: t, nc: dialOver(t, tg.secure, ca.client(subjects()["plain"]))}
		second.connect(first.SessionID, first.Password)
		second.say("the same: %v", second.SessionID == first.SessionID)
		first.ended()
		second.get("/e")
		second.whoAmI()
		third := &speaker{t: t, nc: dialOver(t, tg.plain, nil)}
		third.connect(first.SessionID, first.Password)
		second.ended()
		third.whoAmI()
		third.do("close", proto.OpCloseSession, nil)
		third.ended()
		return map[string]string{"first": first.String(), "second": second.String(), "third": third.String()}
	}
	onFakeAndJava(t, setup{lines: ca.files(), secure: true}, run)
}

// TestPortsMistakenAsJava sends what belongs to the other port.
func TestPortsMistakenAsJava(t *testing.T) {
	ca := newAuthority(t)
	connect := append([]byte{0, 0, 0, 45}, proto.ConnectRequest{Timeout: 4000, Password: make([]byte, 16)}.AppendTo(nil)...)
	send := func(addr string, data []byte) string {
		nc := dialOver(t, addr, nil)
		defer nc.Close()
		_, err := nc.Write(data)
		require.NoError(t, err)
		answer := make([]byte, 100)
		n, err := nc.Read(answer)
		netErr, _ := err.(net.Error)
		require.False(t, netErr != nil && netErr.Timeout(), "no answer, and no end")
		return fmt.Sprintf("%q, ended: %v", answer[:n], err != nil)
	}
	run := func(t *testing.T, tg target) map[string]string {
		return map[string]string{
			"frame to TLS":   send(tg.secure, connect),
			"word to TLS":    send(tg.secure, []byte("ruok\n")),
			"HTTP to TLS":    send(tg.secure, []byte("GET / HTTP/1.0\r\n\r\n")),
			"hello to plain": send(tg.plain, []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")),
			"word to plain":  send(tg.plain, []byte("ruok")),
		}
	}
	onFakeAndJava(t, setup{lines: ca.files(), secure: true}, run)
}

// TestWordsOverTLSAsJava asks words on both ports while clients are on both.
func TestWordsOverTLSAsJava(t *testing.T) {
	ca := newAuthority(t)
	config := ca.client(subjects()["plain"])
	run := func(t *testing.T, tg target) map[string]string {
		plain, secure := speak(t, tg.plain), speakOver(t, tg.secure, config)
		plain.whoAmI()
		secure.whoAmI()
		transcripts := map[string]string{}
		for _, word := range []string{"ruok", "isro", "cons", "stat", "conf", "crst", "cons", "srst", "wchs"} {
			for port, addr := range map[string]string{"plain": tg.plain, "secure": tg.secure} {
				var over *tls.Config
				if port == "secure" {
					over = config
				}
				nc := dialOver(t, addr, over)
				_, err := io.WriteString(nc, word)
				require.NoError(t, err)
				answer, err := io.ReadAll(nc)
				require.NoError(t, err)
				nc.Close()
				key := fmt.Sprintf("%s on %s", word, port)
				text := strings.NewReplacer(sessionName(plain.SessionID), "PLAIN", sessionName(secure.SessionID), "SECURE").Replace(string(answer))
				for _, line := range alike(text) {
					if !slices.Contains([]string{"Received", "Sent", "Connections", "secureClientPort", "clientPort"}, beforeSign(line)) {
						transcripts[key] += line + "\n"
					}
				}
			}
		}
		return transcripts
	}
	s := setup{lines: ca.files(), secure: true}
	got, want := run(t, s.fake(t)), run(t, s.java(t))
	for _, key := range slices.Sorted(maps.Keys(want)) {
		require.Equal(t, want[key], got[key], key)
	}
}

func sessionName(id int64) string { return fmt.Sprintf("0x%x", id) }

// beforeSign is the key of a line.
func beforeSign(line string) string {
	for i, r := range line {
		if r == ':' || r == '=' {
			return line[:i]
		}
	}
	return line
}

// TestSilentOnTLS ends who does not begin TLS, in the time of those who never
// ask for a session.
func TestSilentOnTLS(t *testing.T) {
	ca := newAuthority(t)
	s := setup{lines: append(ca.files(), "nio.sessionlessCnxnTimeout=200"), secure: true}
	tg := s.fake(t)
	for name, data := range map[string]string{"nothing": "", "half a hello": "\x16\x03\x01", "word": "ruok"} {
		nc := dialOver(t, tg.secure, nil)
		_, err := io.WriteString(nc, data)
		require.NoError(t, err)
		begin := time.Now()
		answer, _ := io.ReadAll(nc)
		require.Empty(t, answer, name)
		require.Greater(t, time.Since(begin), 150*time.Millisecond, name)
		nc.Close()
	}
}
