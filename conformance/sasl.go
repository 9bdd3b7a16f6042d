package conformance

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// A login is one by DIGEST-MD5, with what may be wrong about it.
type login struct{ user, password, realm, uri, authzid, nonce, nc, qop, cnonce string }

// sasl logs in:
//
//	sasl-digest bob bobsecret [realm=.. uri=.. authzid=.. nonce=.. nc=.. qop=.. first=..]
//
// It sends an empty token, or first=, and then the answer to the challenge.
func (r *run) sasl(c *client, k call) {
	challenge, ok := r.token(c, []byte(k.named["first"].text))
	r.say("challenge: %s", plainChallenge(challenge, ok))
	if !ok {
		return
	}
	l := login{
		user: k.at(0).text, password: k.at(1).text, realm: directive(challenge, "realm"), uri: "zookeeper/zk-sasl-md5",
		nonce: directive(challenge, "nonce"), nc: "00000001", qop: "auth", cnonce: "OA6MG9tEQGm2hh",
	}
	for key, field := range map[string]*string{
		"realm": &l.realm, "uri": &l.uri, "authzid": &l.authzid, "nonce": &l.nonce, "nc": &l.nc, "qop": &l.qop,
	} {
		if k.has(key) {
			*field = k.named[key].text
		}
	}
	answer, ok := r.token(c, []byte(l.response()))
	switch {
	case ok && answer == "rspauth="+l.digest(""):
		answer = "rspauth is right"
	case ok && strings.HasPrefix(answer, "rspauth="):
		answer = "rspauth is wrong"
	}
	r.say("answer: %s", answer)
}

// token sends a token and returns the server's, or what came instead.
func (r *run) token(c *client, token []byte) (text string, ok bool) {
	c.xid++
	s := sent{c.xid, proto.OpSASL}
	b := proto.RequestHeader{Xid: s.xid, Op: s.op}.AppendTo(nil)
	c.write(frame(jute.AppendNullable(b, string(token), false)))
	f, err := c.read(r.patience)
	switch err {
	case nil:
	case errEnd:
		return "CLOSED", false
	default:
		return err.Error(), false
	}
	rd := jute.NewReader(f, "token")
	var h proto.ReplyHeader
	h.Decode(&rd)
	if b := rd.Buffer(); h.Err == proto.OK && h.Xid == s.xid && h.Zxid == 0 && b != nil && rd.Err() == nil && len(rd.Rest()) == 0 {
		return string(b), true
	}
	return r.reply(s, f), false
}

var nonce = regexp.MustCompile(`nonce="[A-Za-z0-9+/=]{10,}"`)

func plainChallenge(text string, ok bool) string {
	if ok {
		return nonce.ReplaceAllString(text, `nonce="NONCE"`)
	}
	return text
}

// directive finds key="value".
func directive(challenge, key string) string {
	_, rest, _ := strings.Cut(challenge, key+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func (l login) response() string {
	text := fmt.Sprintf(`charset=utf-8,username="%s",realm="%s",nonce="%s",nc=%s,cnonce="%s",digest-uri="%s",maxbuf=65536,response=%s,qop=%s`,
		l.user, l.realm, l.nonce, l.nc, l.cnonce, l.uri, l.digest("AUTHENTICATE"), l.qop)
	if l.authzid != "" {
		text += `,authzid="` + l.authzid + `"`
	}
	return text
}

// digest is RFC 2831's, of the algorithm md5-sess: the response with method
// AUTHENTICATE, and rspauth without.
func (l login) digest(method string) string {
	sum := md5.Sum([]byte(l.user + ":" + l.realm + ":" + l.password))
	a1 := string(sum[:]) + ":" + l.nonce + ":" + l.cnonce
	if l.authzid != "" {
		a1 += ":" + l.authzid
	}
	return hexMD5(strings.Join([]string{hexMD5(a1), l.nonce, l.nc, l.cnonce, l.qop, hexMD5(method + ":" + l.uri)}, ":"))
}

func hexMD5(text string) string {
	h := md5.New()
	io.WriteString(h, text)
	return hex.EncodeToString(h.Sum(nil))
}
