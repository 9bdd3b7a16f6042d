package fakezk_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// jaasText has what the language of JAAS files has.
const jaasText = `/* of several
lines */ Client { com.example.Other optional; };
Server { // the default section
	org.apache.zookeeper.server.auth.DigestLoginModule REQUIRED
	user_bob="bobsecret" user_super="adminsecret"
	user_Ж="Жp" user_bä="pä" user_q.u-o*t$e="p\"w\\x\101\t"
	user_unquoted=word "user_a@b"="p" user_with/comment
	="p" user_twice="1" user_twice="2" User_upper="p" user_="p" user_empty=""
	;
};
Other { org.apache.zookeeper.server.auth.DigestLoginModule required user_eve="evesecret"; };
`

func jaasFlags(t *testing.T, flags ...string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "jaas.conf")
	require.NoError(t, os.WriteFile(file, []byte(jaasText), 0o600))
	return append(flags, "-Djava.security.auth.login.config="+file)
}

const saslProvider = "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider"

// bob is a login that succeeds.
var bob = login{user: "bob", password: "bobsecret"}

// responses are logins, most of them with one thing that is odd.
func responses() map[string]login {
	with := func(change func(*login)) login { l := bob; change(&l); return l }
	extra := func(text string) login { return with(func(l *login) { l.extra = "," + text }) }
	without := func(names ...string) login { return with(func(l *login) { l.without = names }) }
	cases := map[string]login{
		"right":                bob,
		"super":                {user: "super", password: "adminsecret"},
		"wrong password":       with(func(l *login) { l.password = "x" }),
		"unknown user":         with(func(l *login) { l.user = "zed" }),
		"no user's name":       with(func(l *login) { l.user = "" }),
		"no name, wrong realm": with(func(l *login) { l.user, l.realm = "", "x" }),
		"other realm":          with(func(l *login) { l.realm = "x" }),
		"other uri":            with(func(l *login) { l.uri = "zookeeper/localhost" }),
		"uri with service":     with(func(l *login) { l.uri = "zookeeper/zk-sasl-md5/zk-sasl-md5" }),
		"uri in capitals":      with(func(l *login) { l.uri = "ZooKeeper/ZK-SASL-MD5" }),
		"uri without host":     with(func(l *login) { l.uri = "zookeeper" }),
		"other nonce":          with(func(l *login) { l.nonce = "n" }),
		"second count":         with(func(l *login) { l.count = "00000002" }),
		"integrity":            with(func(l *login) { l.qop = "auth-int" }),
		"privacy":              with(func(l *login) { l.qop = "auth-conf" }),
		"other identity":       with(func(l *login) { l.authzid = "alice" }),
		"unicode":              {user: "Ж", password: "Жp"},
		"latin in UTF-8":       {user: "bä", password: "pä"},
		"latin":                {user: "bä", password: "pä", latin1: true},
		"latin, no charset":    {user: "bä", password: "pä", latin1: true, without: []string{"charset"}},
		"signs":                {user: "q.u-o*t$e", password: "p\"w\\xA\t"},
		"unquoted in JAAS":     {user: "unquoted", password: "word"},
		"quoted in JAAS":       {user: "a@b", password: "p"},
		"half a comment":       {user: "with", password: "p"},
		"first of two":         {user: "twice", password: "1"},
		"second of two":        {user: "twice", password: "2"},
		"capital in JAAS":      {user: "upper", password: "p"},
		"empty password":       {user: "empty", password: ""},
		"of another section":   {user: "eve", password: "evesecret"},
		"none":                 without("charset", "username", "realm", "nonce", "nc", "cnonce", "digest-uri", "maxbuf", "response", "qop"),
		"longest":              extra("x=" + strings.Repeat("a", 4096-len(",x=")-len(lengthOf(bob)))),
		"too long":             extra("x=" + strings.Repeat("a", 4097-len(",x=")-len(lengthOf(bob)))),
	}
	for _, name := range []string{"charset", "username", "realm", "nonce", "nc", "cnonce", "digest-uri", "maxbuf", "response", "qop"} {
		cases["without "+name] = without(name)
	}
	for _, text := range []string{
		`foo=bar`, `foo=1,foo=2`, `nc=00000001`, `username="bob"`, `realm="zk-sasl-md5"`, `realm=x`, `cipher=rc4`, `cipher=a,cipher=b`,
		`maxbuf=1`, `auth-param=1`, `auth-param=1,auth-param=2`, `rspauth=1,rspauth=2`, `algorithm=x`, `stale=1,stale=2`,
		`nonce-count=1`, `nonce-count=00000002`, `nonce-count=zz`, `nonce-count=`, `nonce-count=1,nonce-count=1`, `nonce-count=+1`,
		`foo="x`, `foo="x\`, `foo="x"y`, `foo="x",`, `foo=`, `foo`, `foo `, `foo bar=1`, `=x`, `foo="",x=""`, `foo=a"b`, "foo=a\x00b",
		`foo=,bar=1`, `foo= ,bar=1`, `,, ,`, `foo,bar=1`, `"foo"=1`, `foo==`, "\tfoo\r\n=\n1 ", "\x0bfoo=1", "foo=\u00e4", "foo\xff=\xfe",
	} {
		cases["extra "+text] = extra(text)
	}
	return cases
}

// lengthOf is a response as long as those to a server's challenge.
func lengthOf(l login) string {
	token, _ := l.respond(strings.Repeat("n", 40))
	return token
}

// edits change a good response in its place.
var edits = map[string]func(string) string{
	"white space":     func(t string) string { return "  " + strings.ReplaceAll(t, ",", " ,\t") },
	"around =":        func(t string) string { return strings.ReplaceAll(t, "=", " = ") },
	"no commas":       func(t string) string { return strings.ReplaceAll(t, ",", " ") },
	"lines":           func(t string) string { return strings.ReplaceAll(t, ",", "\r\n\t,") },
	"empty elements":  func(t string) string { return ",," + strings.ReplaceAll(t, ",", ",,") + ",," },
	"bare name":       func(t string) string { return strings.Replace(t, `"bob"`, `bob`, 1) },
	"empty bare name": func(t string) string { return strings.Replace(t, `"bob"`, ``, 1) },
	"escape":          func(t string) string { return strings.Replace(t, `"bob"`, `"b\ob"`, 1) },
	"after quote":     func(t string) string { return strings.Replace(t, `"bob"`, `"bob"x`, 1) },
	"quoted count":    func(t string) string { return strings.Replace(t, `nc=00000001`, `nc="00000001"`, 1) },
	"capital names":   func(t string) string { return strings.Replace(t, `username`, `UserName`, 1) },
	"capital charset": func(t string) string { return strings.Replace(t, `utf-8`, `UTF-8`, 1) },
	"quoted charset":  func(t string) string { return strings.Replace(t, `utf-8`, `"utf-8"`, 1) },
	"capital qop":     func(t string) string { return strings.Replace(t, `qop=auth`, `qop=AUTH`, 1) },
	"two qops":        func(t string) string { return strings.Replace(t, `qop=auth`, `qop="auth,auth-int"`, 1) },
	"garbage":         func(string) string { return "garbage" },
	"empty":           func(string) string { return "" },
	"capital response": func(t string) string {
		before, after, _ := strings.Cut(t, "response=")
		return before + "response=" + strings.ToUpper(after[:32]) + after[32:]
	},
	"invalid UTF-8": func(t string) string { return strings.Replace(t, `"bob"`, "\"bob\xff\"", 1) },
}

// exchanges are about the tokens and what is around them.
func exchanges() map[string]func(*speaker) {
	cases := map[string]func(*speaker){
		"null token":      func(s *speaker) { s.tokenBody(proto.SASLToken{}.AppendTo(nil)) },
		"no token":        func(s *speaker) { s.tokenBody(nil) },
		"truncated token": func(s *speaker) { s.tokenBody([]byte{0, 0, 0, 9, 'a'}) },
		"negative length": func(s *speaker) { s.tokenBody([]byte{0xff, 0xff, 0xff, 0xfe}) },
		"more behind it":  func(s *speaker) { s.tokenBody([]byte{0, 0, 0, 0, 'z', 'z'}); s.whoAmI() },
		"null response":   func(s *speaker) { s.token(""); s.tokenBody(proto.SASLToken{}.AppendTo(nil)) },
		"first is no token of SASL": func(s *speaker) {
			s.token("hello")
			s.whoAmI()
			token, proof := bob.respond(s.nonce)
			s.proof = proof
			s.token(token)
			s.whoAmI()
		},
		"requests between": func(s *speaker) {
			s.token("")
			s.whoAmI()
			s.do("ping", proto.OpPing, nil)
			s.auth("digest", "a:b")
			token, proof := bob.respond(s.nonce)
			s.proof = proof
			s.token(token)
			s.whoAmI()
		},
		"once more":      func(s *speaker) { s.login(bob, nil); s.token(""); s.token("x"); s.whoAmI() },
		"after failure":  func(s *speaker) { s.login(bob, edits["garbage"]); s.login(bob, nil); s.whoAmI() },
		"auth of sasl":   func(s *speaker) { s.auth("sasl", "bob"); s.ended() },
		"auth of digest": func(s *speaker) { s.auth("digest", "a:b"); s.whoAmI() },
		"no login":       func(s *speaker) { s.whoAmI(); s.whoAmI() },
		"half a login":   func(s *speaker) { s.token(""); s.whoAmI() },
		"ping":           func(s *speaker) { s.do("ping", proto.OpPing, nil); s.do("ping", proto.OpPing, nil) },
	}
	for name, l := range responses() {
		cases[name] = func(s *speaker) { s.login(l, nil); s.whoAmI() }
	}
	for name, edit := range edits {
		cases[name] = func(s *speaker) { s.login(bob, edit); s.whoAmI() }
	}
	return cases
}

func runExchanges(t *testing.T, tg target) map[string]string {
	transcripts := map[string]string{}
	for name, run := range exchanges() {
		s := speak(t, tg.plain)
		run(s)
		s.nc.Close()
		transcripts[name] = s.String()
	}
	return transcripts
}

// TestSASLAnswersAsJava has all ways to log in, and to fail.
func TestSASLAnswersAsJava(t *testing.T) {
	for name, s := range map[string]setup{
		"sasl":          {lines: []string{saslProvider}, flags: jaasFlags(t, "-Dzookeeper.superUser=bob", "-Dzookeeper.superUser.x=Ж")},
		"no provider":   {flags: jaasFlags(t)},
		"other section": {lines: []string{saslProvider}, flags: jaasFlags(t, "-Dzookeeper.sasl.serverconfig=Other")},
		"no section":    {lines: []string{saslProvider}, flags: jaasFlags(t, "-Dzookeeper.sasl.serverconfig=None")},
		"no JAAS":       {},
		"failures stay": {lines: []string{saslProvider, "allowSaslFailedClients=true"}, flags: jaasFlags(t)},
		"enforced":      {lines: []string{saslProvider, "sessionRequireClientSASLAuth=true"}, flags: jaasFlags(t)},
		"one of two":    {lines: []string{saslProvider, "enforce.auth.enabled=true", "enforce.auth.schemes=sasl,digest"}, flags: jaasFlags(t)},
		"contradiction": {lines: []string{saslProvider, "sessionRequireClientSASLAuth=true", "allowSaslFailedClients=true"}, flags: jaasFlags(t)},
	} {
		t.Run(name, func(t *testing.T) { onFakeAndJava(t, s, runExchanges) })
	}
}

// saslIDs are ids of ACLs, good and bad.
var saslIDs = []string{
	"alice", "a@b", "a/h@b", "a@b@c", "a/b/c@d", "", "a@", "@b", "a/b", "a b", "a/b@", "/b@c", "a\nb", "a//b@c", "a/@c", "@",
	"super", "a@b/c", "//",
}

// TestSASLInACLsAsJava has who may read what.
func TestSASLInACLsAsJava(t *testing.T) {
	run := func(t *testing.T, tg target) map[string]string {
		in := func(user, password string) *speaker {
			s := speak(t, tg.plain)
			s.login(login{user: user, password: password}, nil)
			return s
		}
		all := map[string]*speaker{
			"alice": in("q.u-o*t$e", "p\"w\\xA\t"), "super": in("super", "adminsecret"), "bob": in("bob", "bobsecret"), "nobody": speak(t, tg.plain),
		}
		first := all["alice"]
		first.create("/mine", "sasl", "q.u-o*t$e")
		first.create("/bobs", "sasl", "bob")
		first.create("/anybodys", "sasl", "X")
		first.create("/auth", "auth", "")
		first.create("/digest", "digest", "a:b")
		first.acl("/auth")
		first.acl("/mine")
		all["nobody"].create("/none", "auth", "")
		for _, id := range saslIDs {
			first.create("/id-"+strings.NewReplacer("/", "%", "\n", "&").Replace(id), "sasl", id)
		}
		first.do("null id", proto.OpCreate, proto.CreateRequest{
			Path: "/null", ACL: []proto.ACL{{Perms: proto.PermAll, Scheme: "sasl", NullID: true}},
		}.AppendTo(nil))
		transcripts := map[string]string{}
		for name, s := range all {
			for _, path := range []string{"/mine", "/bobs", "/anybodys", "/auth", "/digest", "/id-super"} {
				s.get(path)
				s.acl(path)
			}
			transcripts[name] = s.String()
		}
		return transcripts
	}
	flags := func() []string {
		return jaasFlags(t, "-Dzookeeper.superUser=bob", "-Dzookeeper.letAnySaslUserDoX=X")
	}
	t.Run("provider", func(t *testing.T) {
		onFakeAndJava(t, setup{lines: []string{saslProvider}, flags: flags()}, run)
	})
	t.Run("no provider", func(t *testing.T) { onFakeAndJava(t, setup{flags: flags()}, run) })
}
