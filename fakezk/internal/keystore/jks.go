package keystore

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

// A JKS file is a header, entries that are keys or certificates, and a SHA-1
// of a salted password and all of that. Numbers are big-endian.
const (
	jksMagic    = 0xfeedfeed
	jksKey      = 1
	jksCert     = 2
	jksChainMax = 100
	jksX509     = "X.509"
)

// jksOID is the algorithm by which Sun's provider encrypts keys.
var jksOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 17, 1, 1}

var errTruncated = errors.New("the JKS file ends too early")

func readJKS(data []byte, password string) (*Store, error) {
	secret := jksPassword(password)
	body := data[:max(0, len(data)-sha1.Size)]
	r := &jksReader{rest: body}
	if r.uint32() != jksMagic {
		return nil, errors.New("no JKS file; one of PKCS12 becomes one by keytool -importkeystore -deststoretype JKS")
	}
	if password != "" {
		want := sha1.Sum(bytes.Join([][]byte{secret, []byte("Mighty Aphrodite"), body}, nil))
		if subtle.ConstantTimeCompare(want[:], data[len(body):]) == 0 {
			return nil, errors.New("the password is wrong, or the file is damaged")
		}
	}
	if r.version = r.uint32(); r.version != 1 && r.version != 2 {
		return nil, fmt.Errorf("JKS of version %d; 1 and 2 are known", r.version)
	}
	s := &Store{}
	for count := r.uint32(); count > 0 && r.err == nil; count-- {
		r.entry(s, secret)
	}
	if r.err != nil {
		return nil, r.err
	}
	return s, nil
}

// jksPassword is in UTF-16.
func jksPassword(password string) (b []byte) {
	for _, unit := range utf16.Encode([]rune(password)) {
		b = binary.BigEndian.AppendUint16(b, unit)
	}
	return b
}

// A jksReader reads on until its first error, which sticks.
type jksReader struct {
	rest    []byte
	version uint32
	err     error
}

func (r *jksReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

func (r *jksReader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.fail(errTruncated)
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *jksReader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *jksReader) buffer() []byte { return r.take(int(r.uint32())) }

func (r *jksReader) text() string {
	if b := r.take(2); b != nil {
		return string(r.take(int(binary.BigEndian.Uint16(b))))
	}
	return ""
}

func (r *jksReader) entry(s *Store, secret []byte) {
	kind, alias := r.uint32(), r.text()
	r.take(8) // when it was made
	switch kind {
	case jksCert:
		if cert := r.certificate(); cert != nil {
			s.Trusted = append(s.Trusted, cert)
		}
	case jksKey:
		r.key(s, alias, secret)
	default:
		r.fail(fmt.Errorf("an entry of kind %d, named %q; keys (1) and certificates (2) are known", kind, alias))
	}
}

func (r *jksReader) certificate() *x509.Certificate {
	if r.version == 2 {
		if kind := r.text(); kind != jksX509 && r.err == nil {
			r.fail(fmt.Errorf("a certificate of type %q; X.509 is known", kind))
		}
	}
	der := r.buffer()
	if r.err != nil {
		return nil
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		r.fail(err)
	}
	return cert
}

// key reads a key and its chain. Without a password it is passed over.
func (r *jksReader) key(s *Store, alias string, secret []byte) {
	sealed := r.buffer()
	count := r.uint32()
	if count > jksChainMax {
		r.fail(errTruncated)
	}
	var pair tls.Certificate
	for ; count > 0 && r.err == nil; count-- {
		if cert := r.certificate(); cert != nil {
			pair.Certificate = append(pair.Certificate, cert.Raw)
		}
	}
	if r.err != nil || len(secret) == 0 {
		return
	}
	der, err := unseal(sealed, secret)
	if err == nil {
		pair.PrivateKey, err = x509.ParsePKCS8PrivateKey(der)
	}
	if err != nil {
		r.fail(fmt.Errorf("the key %q: %w", alias, err))
		return
	}
	s.Keys = append(s.Keys, pair)
}

// unseal decrypts a key: the stream that hides it begins with a salt, and each
// further part is the SHA-1 of the password and the part before.
func unseal(sealed, secret []byte) ([]byte, error) {
	var info struct {
		Algorithm struct {
			OID        asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Data []byte
	}
	if _, err := asn1.Unmarshal(sealed, &info); err != nil {
		return nil, err
	}
	if !info.Algorithm.OID.Equal(jksOID) || len(info.Data) < 2*sha1.Size {
		return nil, fmt.Errorf("is not encrypted as JKS does it (algorithm %v)", info.Algorithm.OID)
	}
	part := info.Data[:sha1.Size]
	hidden := info.Data[sha1.Size : len(info.Data)-sha1.Size]
	check := info.Data[len(info.Data)-sha1.Size:]
	plain := make([]byte, len(hidden))
	for i := range hidden {
		if i%sha1.Size == 0 {
			next := sha1.Sum(append(bytes.Clone(secret), part...))
			part = next[:]
		}
		plain[i] = hidden[i] ^ part[i%sha1.Size]
	}
	if sum := sha1.Sum(append(bytes.Clone(secret), plain...)); !bytes.Equal(sum[:], check) {
		return nil, errors.New("the password does not open it")
	}
	return plain, nil
}
