package fakezk_test

import (
	"crypto/md5"
	"fmt"
	"strings"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// token sends a token of SASL, and writes down the answer without its chances.
func (s *speaker) token(token string) {
	s.tokenBody(proto.SASLToken{Token: []byte(token)}.AppendTo(nil))
}

func (s *speaker) tokenBody(body []byte) {
	s.t.Helper()
	answer := s.do("sasl", proto.OpSASL, body)
	if answer == nil {
		return
	}
	r := jute.NewReader(answer, "SASLToken")
	var resp proto.SASLToken
	resp.Decode(&r)
	text := string(resp.Token)
	if _, after, ok := strings.Cut(text, `nonce="`); ok {
		s.nonce, _, _ = strings.Cut(after, `"`)
		text = strings.Replace(text, s.nonce, fmt.Sprintf("%d characters", len(s.nonce)), 1)
	}
	if s.proof != "" {
		text = strings.Replace(text, s.proof, "PROOF", 1)
	}
	s.say("\t%q null=%v rest=%d", text, resp.Token == nil, len(r.Rest()))
}

// A login is what a client says of itself. Fields of the zero login are those
// of a client that does all as it should.
type login struct {
	user, password    string
	realm, uri, nonce string
	qop, authzid      string
	count             string // that the response is computed with
	latin1            bool   // hashes names so
	without           []string
	extra             string
}

// respond computes the response to a challenge, by RFC 2831.
func (l login) respond(nonce string) (token, proof string) {
	or := func(value *string, otherwise string) {
		if *value == "" {
			*value = otherwise
		}
	}
	or(&l.realm, "zk-sasl-md5")
	or(&l.uri, "zookeeper/zk-sasl-md5")
	or(&l.nonce, nonce)
	or(&l.qop, "auth")
	or(&l.count, "00000001")
	const cnonce = "client's"
	encode := func(s string) string {
		if l.latin1 {
			var b []byte
			for _, r := range s {
				b = append(b, byte(r))
			}
			return string(b)
		}
		return s
	}
	hash := func(parts ...string) []byte { h := md5.Sum([]byte(strings.Join(parts, ":"))); return h[:] }
	hex := func(parts ...string) string { return fmt.Sprintf("%x", hash(parts...)) }
	a1 := []string{string(hash(encode(l.user), l.realm, encode(l.password))), l.nonce, cnonce}
	if l.authzid != "" {
		a1 = append(a1, l.authzid)
	}
	a2 := func(method string) string {
		if l.qop != "auth" {
			return hex(method, l.uri, strings.Repeat("0", 32))
		}
		return hex(method, l.uri)
	}
	prove := func(method string) string { return hex(hex(a1...), l.nonce, l.count, cnonce, l.qop, a2(method)) }
	var b []string
	for _, d := range [][2]string{
		{"charset", "utf-8"}, {"username", `"` + l.user + `"`}, {"realm", `"` + l.realm + `"`}, {"nonce", `"` + l.nonce + `"`},
		{"nc", l.count}, {"cnonce", `"` + cnonce + `"`}, {"digest-uri", `"` + l.uri + `"`}, {"maxbuf", "65536"},
		{"response", prove("AUTHENTICATE")}, {"qop", l.qop}, {"authzid", `"` + l.authzid + `"`},
	} {
		left := d[0] == "authzid" && l.authzid == ""
		for _, name := range l.without {
			left = left || name == d[0]
		}
		if !left {
			b = append(b, d[0]+"="+d[1])
		}
	}
	return strings.Join(b, ",") + l.extra, prove("")
}

// login goes through the exchange; edit changes the response.
func (s *speaker) login(l login, edit func(string) string) {
	s.t.Helper()
	s.token("")
	token, proof := l.respond(s.nonce)
	if edit != nil {
		token = edit(token)
	}
	s.proof = proof
	s.token(token)
}
