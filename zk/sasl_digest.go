package zk

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DigestMD5 is a user with a password, as the JAAS file of servers has them.
// The password is not sent, and the server must prove that it knows it, too.
// What is sent later is not protected: [TLS] does that. ACLs name the user by
// the scheme "sasl".
func DigestMD5(user, password string) Mechanism { return &digestMD5{user, password} }

type digestMD5 struct{ user, password string }

// digestURI is what servers of ZooKeeper want, whatever their names are.
const digestURI = "zookeeper/zk-sasl-md5"

// Authenticate is by RFC 2831, with authentication only.
func (d *digestMD5) Authenticate(_ context.Context, _ SASLServer, send func([]byte) ([]byte, error)) error {
	if d.user == "" {
		return fmt.Errorf("%w: DIGEST-MD5 wants the name of a user", ErrAuthFailed)
	}
	challenge, err := send(nil)
	if err != nil {
		return err
	}
	a, err := d.answer(string(challenge))
	if err != nil {
		return fmt.Errorf("%w: DIGEST-MD5: challenge %q: %w", ErrAuthFailed, challenge, err)
	}
	proof, err := send([]byte(a.token))
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(proof, []byte("rspauth="+a.proof)) != 1 {
		return fmt.Errorf("%w: the server does not prove that it knows the password", ErrAuthFailed)
	}
	return nil
}

// A digestAnswer is the client's token, and what the server proves itself by.
type digestAnswer struct{ token, proof string }

func (d *digestMD5) answer(challenge string) (digestAnswer, error) {
	c, err := parseDirectives(challenge)
	switch {
	case err != nil:
		return digestAnswer{}, err
	case c["nonce"] == "":
		return digestAnswer{}, errors.New("no nonce")
	case c["algorithm"] != "md5-sess":
		return digestAnswer{}, errors.New("the algorithm is not md5-sess")
	case !offersAuth(c):
		return digestAnswer{}, errors.New("the quality of protection is not auth")
	}
	return d.compute(digestURI, c["realm"], c["nonce"], rand.Text()), nil
}

func offersAuth(challenge map[string]string) bool {
	qop, ok := challenge["qop"]
	return !ok || slices.ContainsFunc(strings.Split(qop, ","), func(s string) bool {
		return strings.EqualFold(strings.TrimSpace(s), "auth")
	})
}

func (d *digestMD5) compute(uri, realm, nonce, cnonce string) digestAnswer {
	const count, qop = "00000001", "auth"
	secret := md5.Sum([]byte(latin1(d.user) + ":" + latin1(realm) + ":" + latin1(d.password)))
	a1 := md5Hex(string(secret[:]) + ":" + nonce + ":" + cnonce)
	prove := func(a2 string) string {
		return md5Hex(strings.Join([]string{a1, nonce, count, cnonce, qop, md5Hex(a2)}, ":"))
	}
	return digestAnswer{
		token: "charset=utf-8,username=" + quoted(d.user) + ",realm=" + quoted(realm) + ",nonce=" + quoted(nonce) +
			",nc=" + count + ",cnonce=" + quoted(cnonce) + ",digest-uri=" + quoted(uri) +
			",maxbuf=65536,response=" + prove("AUTHENTICATE:"+uri) + ",qop=" + qop,
		proof: prove(":" + uri),
	}
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// latin1 is s in ISO 8859-1 if that has all its characters: so are names and
// passwords hashed, though they are sent in UTF-8.
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

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// parseDirectives reads name=value pairs with commas between them. A value may
// be in quotes, with backslashes. Of several realms the first counts.
func parseDirectives(s string) (map[string]string, error) {
	directives := map[string]string{}
	for {
		s = strings.TrimLeft(s, ", \t\r\n")
		if s == "" {
			return directives, nil
		}
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("%q has no value", s)
		}
		var value string
		if value, s, ok = cutValue(strings.TrimLeft(rest, " \t\r\n")); !ok {
			return nil, errors.New("a quote does not end")
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if _, again := directives[name]; !again {
			directives[name] = value
		}
	}
}

func cutValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s+",", ',')
		return strings.TrimSpace(s[:end]), s[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
