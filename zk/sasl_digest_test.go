package zk

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The example of RFC 2831, section 4.
func TestDigestOfTheRFC(t *testing.T) {
	d := &digestMD5{"chris", "secret"}
	a := d.compute("imap/elwood.innosoft.com", "elwood.innosoft.com", "OA6MG9tEQGm2hh", "OA6MHXh6VqTrRk")
	require.Equal(t, "d388dad90d4bbd760a152321f2143af7", responseOf(a.token))
	require.Equal(t, "ea40f60335c427b5527b84dbabcdfffd", a.proof)
}

func responseOf(token string) string {
	_, after, _ := strings.Cut(token, ",response=")
	return after[:32]
}

func TestChallenges(t *testing.T) {
	const good = `realm="zk-sasl-md5",nonce="n",charset=utf-8,algorithm=md5-sess`
	for challenge, want := range map[string]string{
		good:                           "",
		good + `,qop="auth"`:           "",
		good + `,qop="auth-int, AUTH"`: "",
		" ,\t" + strings.ReplaceAll(good, ",", " ,\r\n ") + ",,": "",
		`algorithm=md5-sess,nonce=n`:                             "",
		strings.ReplaceAll(good, "nonce", "NONCE"):               "",
		good + `,qop="auth-int"`:                                 "quality of protection",
		good + `,stale`:                                          "no value",
		good + `,stale="x`:                                       "a quote does not end",
		good + `,stale="x\`:                                      "a quote does not end",
		`realm="r",algorithm=md5-sess`:                           "no nonce",
		`realm="r",nonce="n",algorithm=md5`:                      "md5-sess",
		"":                                                       "no nonce",
		"\x60\x28\x06\x09":                                       "no value",
	} {
		asked := 0
		err := DigestMD5("bob", "secret").Authenticate(bg, SASLServer{}, func(token []byte) ([]byte, error) {
			if asked++; asked == 1 {
				require.Empty(t, token)
				return []byte(challenge), nil
			}
			return nil, errAsked
		})
		if want == "" {
			require.ErrorIs(t, err, errAsked, "%q is taken", challenge)
			continue
		}
		require.ErrorIs(t, err, ErrAuthFailed, "%q", challenge)
		require.ErrorContains(t, err, want)
	}
}

var errAsked = errors.New("asked")

// Whoever does not know the password cannot pass for the server.
func TestServerMustProveItself(t *testing.T) {
	d := &digestMD5{"bob", "secret"}
	for name, proof := range map[string]func(a digestAnswer) string{
		"nothing":        func(digestAnswer) string { return "" },
		"wrong":          func(digestAnswer) string { return "rspauth=" + strings.Repeat("0", 32) },
		"the client's":   func(a digestAnswer) string { return "rspauth=" + responseOf(a.token) },
		"without a name": func(a digestAnswer) string { return a.proof },
	} {
		err := d.Authenticate(bg, SASLServer{}, func(token []byte) ([]byte, error) {
			if len(token) == 0 {
				return []byte(`realm="r",nonce="n",algorithm=md5-sess`), nil
			}
			c, err := parseDirectives(string(token))
			require.NoError(t, err)
			return []byte(proof(d.compute(digestURI, "r", "n", c["cnonce"]))), nil
		})
		require.ErrorIs(t, err, ErrAuthFailed, name)
		require.ErrorContains(t, err, "does not prove")
	}
}

func TestNamelessUser(t *testing.T) {
	err := DigestMD5("", "x").Authenticate(bg, SASLServer{}, nil)
	require.ErrorIs(t, err, ErrAuthFailed, "a server of Java falls over an empty name")
}

// What is written in quotes is read as it was.
func TestDirectives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		user := rapid.String().Draw(t, "user")
		realm := rapid.String().Draw(t, "realm")
		a := (&digestMD5{user, "p"}).compute(digestURI, realm, "n", "c")
		d, err := parseDirectives(a.token)
		require.NoError(t, err)
		require.Equal(t, user, d["username"])
		require.Equal(t, realm, d["realm"])
		require.Equal(t, responseOf(a.token), d["response"])
	})
}

func FuzzChallenge(f *testing.F) {
	f.Add(`realm="zk-sasl-md5",nonce="n\"",charset=utf-8,algorithm=md5-sess`)
	f.Fuzz(func(t *testing.T, challenge string) {
		d := &digestMD5{"bob", "secret"}
		if a, err := d.answer(challenge); err == nil {
			_, err = parseDirectives(a.token)
			require.NoError(t, err)
		}
	})
}
