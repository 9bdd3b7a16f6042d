package fakezk

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

// DIGEST-MD5 (RFC 2831) as Java's server does it: realm and service have fixed
// names, and there is no protection but authentication.
const (
	digestRealm   = "zk-sasl-md5"
	digestURI     = "zookeeper/" + digestRealm
	digestMaxSize = 4096 // bytes of a response
	digestCount   = "00000001"
	digestQOP     = "auth"
)

func digestChallenge(nonce string) string {
	return `realm="` + digestRealm + `",nonce="` + nonce + `",charset=utf-8,algorithm=md5-sess`
}

// digestFinal judges a client's response to the challenge, and proves to it
// that the server knows the password, too.
func digestFinal(token, nonce string, passwords map[string]string) (answer, user string, result saslResult) {
	d, ok := parseDirectives(token)
	if !ok || len(token) > digestMaxSize || !digestAcceptable(d, nonce) {
		return "", "", saslRefused
	}
	if count, counted := d["nonce-count"]; counted {
		n, err := strconv.ParseInt(count, 16, 32)
		if err != nil {
			return "", "", saslBroken
		}
		if n != 1 {
			return "", "", saslRefused
		}
	}
	user = strings.ToValidUTF8(d["username"], string(utf8.RuneError))
	password, known := passwords[user]
	if user == "" {
		return "", "", saslBroken
	}
	secret := digestSecret(d, user, password)
	uri := d["digest-uri"]
	if !known || d["response"] != digestProof(d, secret, "AUTHENTICATE:"+uri) {
		return "", "", saslRefused
	}
	return "rspauth=" + digestProof(d, secret, ":"+uri), user, saslDone
}

// digestAcceptable tells whether a response has what it must have. "nc" is no
// directive that Java looks at: it knows it as "nonce-count".
func digestAcceptable(d map[string]string, nonce string) bool {
	for _, needed := range []string{"username", "realm", "cnonce", "response"} {
		if _, ok := d[needed]; !ok {
			return false
		}
	}
	if charset, ok := d["charset"]; ok && charset != "utf-8" {
		return false
	}
	if qop, ok := d["qop"]; ok && qop != digestQOP {
		return false
	}
	return d["realm"] == digestRealm && d["nonce"] == nonce && strings.EqualFold(d["digest-uri"], digestURI)
}

// digestSecret is the part of the proof that wants the password.
func digestSecret(d map[string]string, user, password string) string {
	hash := md5.Sum([]byte(latin1(user) + ":" + latin1(digestRealm) + ":" + latin1(password)))
	a1 := string(hash[:]) + ":" + d["nonce"] + ":" + d["cnonce"]
	if id, ok := d["authzid"]; ok {
		a1 += ":" + id
	}
	return md5Hex(a1)
}

func digestProof(d map[string]string, secret, a2 string) string {
	return md5Hex(strings.Join([]string{secret, d["nonce"], digestCount, d["cnonce"], digestQOP, md5Hex(a2)}, ":"))
}

func md5Hex(s string) string {
	hash := md5.Sum([]byte(s))
	return hex.EncodeToString(hash[:])
}

// latin1 is s in ISO 8859-1 where that has all its characters, as RFC 2831
// wants names and passwords to be hashed.
func latin1(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return s
		}
		b = append(b, byte(r))
	}
	return string(b)
}

// digestDirectives are those that a response may have only once. What others
// say is passed over.
var digestDirectives = map[string]bool{
	"username": true, "realm": true, "nonce": true, "cnonce": true, "nonce-count": true, "qop": true, "digest-uri": true,
	"response": true, "maxbuf": true, "charset": true, "cipher": true, "authzid": true, "auth-param": true,
}

// parseDirectives reads name=value pairs, which commas or white space end. A
// value may be in quotes, with backslashes. Names are in lower case.
func parseDirectives(s string) (map[string]string, bool) {
	directives := map[string]string{}
	for s = trimLWS(s); s != ""; s = trimLWS(s) {
		if s[0] == ',' {
			s = s[1:]
			continue
		}
		name, value, rest, ok := cutDirective(s)
		name = strings.ToLower(name)
		if _, again := directives[name]; !ok || again {
			return nil, false
		}
		if digestDirectives[name] {
			directives[name] = value
		}
		s = rest
	}
	return directives, true
}

// cutDirective takes the first pair off. A last name may lack its value.
func cutDirective(s string) (name, value, rest string, ok bool) {
	end := strings.IndexAny(s, lws+",=")
	if end < 0 {
		return s, "", "", true
	}
	name, rest = s[:end], trimLWS(s[end:])
	if name == "" || rest == "" || rest[0] != '=' {
		return "", "", "", false
	}
	rest = trimLWS(rest[1:])
	switch {
	case rest == "":
		return "", "", "", false
	case rest[0] == '"':
		value, rest, ok = cutQuoted(rest[1:])
		return name, value, rest, ok
	}
	if end = strings.IndexAny(rest, lws+","); end < 0 {
		end = len(rest)
	}
	return name, rest[:end], rest[end:], true
}

// cutQuoted takes off what stands before the closing quote, which a comma or
// white space must follow.
func cutQuoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			rest = s[i+1:]
			return b.String(), rest, rest == "" || strings.IndexByte(lws+",", rest[0]) >= 0
		case s[i] == '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

const lws = " \t\r\n"

func trimLWS(s string) string { return strings.TrimLeft(s, lws) }
