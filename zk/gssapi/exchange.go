package gssapi

import (
	"bytes"
	"context"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/zookit/zookit/zk"
)

// Authenticate is by RFC 4752: the context of GSSAPI is set up in one step, and
// then server and client agree on no protection.
func (m *Mechanism) Authenticate(ctx context.Context, server zk.SASLServer, send func([]byte) ([]byte, error)) error {
	spn, realm, err := m.server(ctx, server)
	if err != nil {
		return err
	}
	t, cached, err := m.service(ctx, spn, realm)
	if err != nil {
		return err
	}
	hello, err := m.hello(t)
	if err != nil {
		return err
	}
	answer, err := send(hello.token)
	if errors.Is(err, zk.ErrAuthFailed) && cached {
		m.forget(spn, realm)
		return fmt.Errorf("gssapi: %s refuses a ticket that it may have changed its key since: %v", spn.PrincipalNameString(), err)
	}
	if err != nil {
		return fmt.Errorf("gssapi: ticket for %s: %w", spn.PrincipalNameString(), err)
	}
	var keys contextKeys
	if err := proof(func() error { keys, err = hello.verify(answer); return err }); err != nil {
		return fmt.Errorf("%w: gssapi: the server does not prove that it is %s: %w", zk.ErrAuthFailed, spn.PrincipalNameString(), err)
	}
	offer, err := send(nil)
	if err != nil {
		return err
	}
	var choice []byte
	if err := proof(func() error { choice, err = keys.choose(offer); return err }); err != nil {
		return fmt.Errorf("%w: gssapi: %w", zk.ErrAuthFailed, err)
	}
	_, err = send(choice)
	return err
}

// server is the principal of a server. The realm is that which krb5.conf has
// for the host, or else the client's.
func (m *Mechanism) server(ctx context.Context, server zk.SASLServer) (spn types.PrincipalName, realm string, err error) {
	if m.settings.principal != "" {
		spn, realm = types.ParseSPNString(m.settings.principal)
	} else {
		host := server.Host
		if m.settings.canonicalize {
			if host, err = canonical(ctx, server.Addr); err != nil {
				return spn, "", fmt.Errorf("gssapi: name of %v: %w", server.Addr, err)
			}
		}
		spn = types.PrincipalName{NameType: 3, NameString: []string{m.settings.service, strings.ToLower(host)}}
	}
	if realm == "" {
		realm = m.conf.ResolveRealm(spn.NameString[len(spn.NameString)-1])
	}
	if realm == "" {
		realm = m.realm
	}
	return spn, realm, nil
}

func canonical(ctx context.Context, addr net.Addr) (string, error) {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "", err
	}
	names, err := net.DefaultResolver.LookupAddr(ctx, host)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(names[0], "."), nil
}

// mechanism is the object identifier of Kerberos in tokens of GSSAPI.
var mechanism = asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}

// What a token of GSSAPI holds, as its first two bytes behind the header say.
const (
	tokenAPReq = "\x01\x00"
	tokenAPRep = "\x02\x00"
	tokenError = "\x03\x00"
)

// A hello is the client's token, and what the server answers it by.
type hello struct {
	token   []byte
	session types.EncryptionKey
	auth    types.Authenticator
}

// flagsGSS are mutual authentication, detection of replay and of order,
// confidentiality and integrity. Java does not go on without the latter.
const flagsGSS = 2 | 4 | 8 | 16 | 32

func (m *Mechanism) hello(t ticket) (*hello, error) {
	auth, err := types.NewAuthenticator(m.realm, m.cname)
	if err != nil {
		return nil, err
	}
	kind, err := crypto.GetEtype(t.key.KeyType)
	if err != nil {
		return nil, err
	}
	if err := auth.GenerateSeqNumberAndSubKey(t.key.KeyType, kind.GetKeyByteSize()); err != nil {
		return nil, err
	}
	sum := binary.LittleEndian.AppendUint32(nil, 16)
	sum = append(sum, make([]byte, 16)...) // bound to no channel
	sum = binary.LittleEndian.AppendUint32(sum, flagsGSS)
	auth.Cksum = types.Checksum{CksumType: chksumtype.GSSAPI, Checksum: sum}
	req, err := messages.NewAPReq(t.Ticket, t.key, auth)
	if err != nil {
		return nil, err
	}
	types.SetFlag(&req.APOptions, flags.APOptionMutualRequired)
	b, err := req.Marshal()
	if err != nil {
		return nil, err
	}
	oid, err := asn1.Marshal(mechanism)
	if err != nil {
		return nil, err
	}
	token, err := asn1.Marshal(asn1.RawValue{
		Class: asn1.ClassApplication, IsCompound: true, Bytes: append(append(oid, tokenAPReq...), b...),
	})
	return &hello{token, t.key, auth}, err
}

// verify takes the server's token, which must have been made with the key that
// only the owner of the principal can read in the ticket.
func (h *hello) verify(answer []byte) (contextKeys, error) {
	kind, body, err := cutToken(answer)
	if err != nil {
		return contextKeys{}, err
	}
	switch kind {
	case tokenAPRep:
	case tokenError:
		var refusal messages.KRBError
		if err := refusal.Unmarshal(body); err != nil {
			return contextKeys{}, err
		}
		return contextKeys{}, explain(refusal)
	default:
		return contextKeys{}, fmt.Errorf("token of the kind %x", kind)
	}
	var rep messages.APRep
	if err := rep.Unmarshal(body); err != nil {
		return contextKeys{}, err
	}
	plain, err := crypto.DecryptEncPart(rep.EncPart, h.session, keyusage.AP_REP_ENCPART)
	if err != nil {
		return contextKeys{}, err
	}
	var part messages.EncAPRepPart
	if err := part.Unmarshal(plain); err != nil {
		return contextKeys{}, err
	}
	if part.CTime.Unix() != h.auth.CTime.Unix() || part.Cusec != h.auth.Cusec {
		return contextKeys{}, errors.New("the answer is for another question")
	}
	keys := contextKeys{ours: h.auth.SubKey, number: uint64(h.auth.SeqNumber)}
	if len(part.Subkey.KeyValue) > 0 {
		keys.ours, keys.flag = part.Subkey, flagAcceptorSubkey
	}
	return keys, nil
}

// cutToken takes the header off.
func cutToken(token []byte) (kind string, body []byte, err error) {
	var outer asn1.RawValue
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(token, &outer); err != nil {
		return "", nil, err
	}
	if outer.Class != asn1.ClassApplication || outer.Tag != 0 {
		return "", nil, errors.New("it is no token of GSSAPI")
	}
	rest, err := asn1.Unmarshal(outer.Bytes, &oid)
	if err != nil {
		return "", nil, err
	}
	if !oid.Equal(mechanism) || len(rest) < 2 {
		return "", nil, errors.New("it is no token of Kerberos")
	}
	return string(rest[:2]), rest[2:], nil
}

// contextKeys seal what is said when both have proved themselves.
type contextKeys struct {
	ours   types.EncryptionKey
	flag   byte // flagAcceptorSubkey, if the key is the server's
	number uint64
}

const (
	flagSealed         = 2
	flagAcceptorSubkey = 4

	layerNone = 1
)

// choose answers the offer of layers.
func (k contextKeys) choose(offer []byte) ([]byte, error) {
	layers, err := k.unwrap(offer)
	switch {
	case err != nil:
		return nil, fmt.Errorf("offer of protection: %w", err)
	case len(layers) != 4:
		return nil, fmt.Errorf("offer of protection: %d bytes", len(layers))
	case layers[0]&layerNone == 0:
		return nil, errors.New("the server wants protection by SASL, and there is none")
	}
	return k.wrap([]byte{layerNone, 0, 0, 0})
}

const wrapHeader = 16

func (k contextKeys) unwrap(b []byte) ([]byte, error) {
	if len(b) < wrapHeader {
		return nil, fmt.Errorf("token of %d bytes", len(b))
	}
	b = bytes.Clone(b)
	body := b[wrapHeader:]
	if turned := int(binary.BigEndian.Uint16(b[6:])); turned > 0 && len(body) > 0 {
		turned %= len(body)
		copy(body, append(bytes.Clone(body[turned:]), body[:turned]...))
	}
	var t gssapi.WrapToken
	if err := t.Unmarshal(b, true); err != nil {
		return nil, err
	}
	if t.Flags&flagSealed != 0 {
		return nil, errors.New("token is encrypted")
	}
	if t.Flags&flagAcceptorSubkey != k.flag {
		return nil, errors.New("token of another key")
	}
	if _, err := t.Verify(k.ours, keyusage.GSSAPI_ACCEPTOR_SEAL); err != nil {
		return nil, err
	}
	return t.Payload, nil
}

func (k contextKeys) wrap(payload []byte) ([]byte, error) {
	kind, err := crypto.GetEtype(k.ours.KeyType)
	if err != nil {
		return nil, err
	}
	t := gssapi.WrapToken{
		Flags: k.flag, EC: uint16(kind.GetHMACBitLength() / 8), SndSeqNum: k.number, Payload: payload,
	}
	if err := t.SetCheckSum(k.ours, keyusage.GSSAPI_INITIATOR_SEAL); err != nil {
		return nil, err
	}
	return t.Marshal()
}
