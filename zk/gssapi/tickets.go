package gssapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/zookit/zookit/zk"
)

// A ticket with its key.
type ticket struct {
	messages.Ticket
	key  types.EncryptionKey
	ends time.Time
	// until is when a new one is asked for: a minute before, or a tenth of its
	// life.
	until time.Time
}

func newTicket(t messages.Ticket, key types.EncryptionKey, ends time.Time) ticket {
	early := min(time.Minute, max(0, time.Until(ends)/10))
	return ticket{t, key, ends, ends.Add(-early)}
}

func (t ticket) good() bool { return time.Now().Before(t.until) }

// service is a ticket for a server. It tells whether it was there already.
func (m *Mechanism) service(ctx context.Context, spn types.PrincipalName, realm string) (t ticket, cached bool, err error) {
	name := spn.PrincipalNameString() + "@" + realm
	m.mu.Lock()
	t = m.services[name]
	m.mu.Unlock()
	if t.good() {
		return t, true, nil
	}
	granting, err := m.login(ctx)
	if err != nil {
		return ticket{}, false, err
	}
	if t, err = m.grant(ctx, granting, spn, realm); err != nil {
		m.judge(err)
		return ticket{}, false, fmt.Errorf("ticket of %s for %s: %w", m.Principal(), name, explain(err))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.services[name] = t
	return t, false, nil
}

// forget drops a ticket for a server, which has a new key perhaps.
func (m *Mechanism) forget(spn types.PrincipalName, realm string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.services, spn.PrincipalNameString()+"@"+realm)
}

// judge drops the ticket that others are granted by, unless it is not to blame:
// the KDC may have changed its key, or its mind.
func (m *Mechanism) judge(err error) {
	refusal, ok := errors.AsType[messages.KRBError](err)
	if !ok || refusal.ErrorCode == errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.granting = ticket{}
}

// login is the ticket that others are granted by.
func (m *Mechanism) login(ctx context.Context) (ticket, error) {
	m.mu.Lock()
	t := m.granting
	m.mu.Unlock()
	if t.good() {
		return t, nil
	}
	var err error
	if m.cache != "" {
		t, err = m.fromCache()
	} else {
		t, err = m.authenticate(ctx)
	}
	if err != nil {
		return ticket{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.granting = t
	return t, nil
}

func (m *Mechanism) fromCache() (ticket, error) {
	found, err := loadCache(m.cache)
	if err != nil {
		return ticket{}, err
	}
	if owner := found.GetClientPrincipalName().PrincipalNameString() + "@" + found.GetClientRealm(); owner != m.Principal() {
		return ticket{}, fmt.Errorf("gssapi: credential cache %s: it is of %s now, and was of %s", m.cache, owner, m.Principal())
	}
	entry, ok := found.GetEntry(granter(m.realm))
	if !ok {
		return ticket{}, fmt.Errorf("gssapi: credential cache %s: it has no ticket of realm %s", m.cache, m.realm)
	}
	if !time.Now().Before(entry.EndTime) {
		return ticket{}, fmt.Errorf("gssapi: credential cache %s: the ticket of %s has ended at %v", m.cache, m.Principal(), entry.EndTime)
	}
	var t messages.Ticket
	if err := proof(func() error { return t.Unmarshal(entry.Ticket) }); err != nil {
		return ticket{}, fmt.Errorf("gssapi: credential cache %s: %w", m.cache, err)
	}
	return newTicket(t, entry.Key, entry.EndTime), nil
}

// granter is the principal that grants tickets of a realm.
func granter(realm string) types.PrincipalName {
	return types.PrincipalName{NameType: nametype.KRB_NT_SRV_INST, NameString: []string{"krbtgt", realm}}
}

// authenticate asks the KDC for the first ticket.
func (m *Mechanism) authenticate(ctx context.Context) (t ticket, err error) {
	who, err := m.secrets()
	if err != nil {
		return ticket{}, err
	}
	err = proof(func() error {
		t, err = m.authenticateAs(ctx, who)
		return err
	})
	if err == nil {
		return t, nil
	}
	if err = fmt.Errorf("gssapi: login of %s: %w", m.Principal(), explain(err)); refusesClient(err) {
		err = fmt.Errorf("%w: %w", zk.ErrAuthFailed, err)
	}
	return ticket{}, err
}

func (m *Mechanism) authenticateAs(ctx context.Context, who *credentials.Credentials) (ticket, error) {
	req, err := messages.NewASReqForTGT(m.realm, m.conf, m.cname)
	if err != nil {
		return ticket{}, err
	}
	if who.HasKeytab() {
		req.ReqBody.EType = slices.DeleteFunc(slices.Clone(req.ReqBody.EType), func(etype int32) bool {
			_, _, err := who.Keytab().GetEncryptionKey(m.cname, m.realm, 0, etype)
			return err != nil
		})
		if len(req.ReqBody.EType) == 0 {
			return ticket{}, errNoKey
		}
	}
	reply, err := m.askFirst(ctx, req)
	refusal, ok := errors.AsType[messages.KRBError](err)
	if ok && refusal.ErrorCode == errorcode.KDC_ERR_PREAUTH_REQUIRED {
		if req.PAData, err = m.preauthenticate(who, req.ReqBody.EType, refusal); err == nil {
			reply, err = m.askFirst(ctx, req)
		}
	}
	if err != nil {
		return ticket{}, err
	}
	var rep messages.ASRep
	if err := rep.Unmarshal(reply); err != nil {
		return ticket{}, err
	}
	if _, err := rep.DecryptEncPart(who); err != nil {
		return ticket{}, fmt.Errorf("%w: %w", errBadSecret, err)
	}
	if _, err := rep.Verify(m.conf, who, req); err != nil {
		return ticket{}, err
	}
	return newTicket(rep.Ticket, rep.DecryptedEncPart.Key, rep.DecryptedEncPart.EndTime), nil
}

var (
	errNoKey     = errors.New("the keytab has no key for it, of a kind that is known")
	errBadSecret = errors.New("the password or key is wrong")
)

func (m *Mechanism) askFirst(ctx context.Context, req messages.ASReq) ([]byte, error) {
	b, err := req.Marshal()
	if err != nil {
		return nil, err
	}
	return m.ask(ctx, m.realm, b)
}

// preauthenticate proves that the client has the key, by the time encrypted
// with it, in the kind of encryption that the KDC likes best.
func (m *Mechanism) preauthenticate(who *credentials.Credentials, known []int32, refusal messages.KRBError) (types.PADataSequence, error) {
	var hints types.PADataSequence
	if err := hints.Unmarshal(refusal.EData); err != nil {
		return nil, err
	}
	kind := known[0]
	for _, hint := range hints {
		if hint.PADataType != patype.PA_ETYPE_INFO2 {
			continue
		}
		infos, err := hint.GetETypeInfo2()
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(infos, func(e types.ETypeInfo2Entry) bool { return slices.Contains(known, e.EType) }); i >= 0 {
			kind = infos[i].EType
		}
	}
	var key types.EncryptionKey
	var version int
	var err error
	if who.HasKeytab() {
		key, version, err = who.Keytab().GetEncryptionKey(m.cname, m.realm, 0, kind)
	} else {
		key, _, err = crypto.GetKeyFromPassword(who.Password(), m.cname, m.realm, kind, hints)
	}
	if err != nil {
		return nil, err
	}
	stamp, err := types.GetPAEncTSEncAsnMarshalled()
	if err != nil {
		return nil, err
	}
	sealed, err := crypto.GetEncryptedData(stamp, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, version)
	if err != nil {
		return nil, err
	}
	b, err := sealed.Marshal()
	return types.PADataSequence{{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: b}}, err
}

// mostReferrals is how many realms may send us on to another.
const mostReferrals = 5

// grant asks for a ticket for a principal of a realm, by way of other realms
// where need be.
func (m *Mechanism) grant(ctx context.Context, by ticket, spn types.PrincipalName, realm string) (ticket, error) {
	at := m.realm
	for range mostReferrals {
		want := spn
		if realm != at {
			want = granter(realm)
		}
		t, err := m.grantBy(ctx, by, want, at)
		if err != nil || t.SName.Equal(spn) {
			return t, err
		}
		if name := t.SName.NameString; len(name) != 2 || name[0] != "krbtgt" || name[1] == at {
			return ticket{}, fmt.Errorf("the KDC of %s gives one for %s", at, t.SName.PrincipalNameString())
		}
		by, at = t, t.SName.NameString[1]
		if want.Equal(spn) {
			realm = at // where the principal is, says the KDC
		}
	}
	return ticket{}, fmt.Errorf("referred on by more than %d realms", mostReferrals)
}

func (m *Mechanism) grantBy(ctx context.Context, by ticket, spn types.PrincipalName, realm string) (t ticket, err error) {
	req, err := messages.NewTGSReq(m.cname, realm, m.conf, by.Ticket, by.key, spn, false)
	if err != nil {
		return ticket{}, err
	}
	b, err := req.Marshal()
	if err != nil {
		return ticket{}, err
	}
	reply, err := m.ask(ctx, realm, b)
	if err != nil {
		return ticket{}, err
	}
	err = proof(func() error {
		var rep messages.TGSRep
		if err := rep.Unmarshal(reply); err != nil {
			return err
		}
		if err := rep.DecryptEncPart(by.key); err != nil {
			return err
		}
		if _, err := rep.Verify(m.conf, req); err != nil {
			return err
		}
		t = newTicket(rep.Ticket, rep.DecryptedEncPart.Key, rep.DecryptedEncPart.EndTime)
		return nil
	})
	return t, err
}

// refusesClient tells whether to try again is of no use.
func refusesClient(err error) bool {
	if errors.Is(err, errBadSecret) {
		return true
	}
	refusal, ok := errors.AsType[messages.KRBError](err)
	return ok && slices.Contains([]int32{
		errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, errorcode.KDC_ERR_POLICY, errorcode.KDC_ERR_CLIENT_REVOKED,
		errorcode.KDC_ERR_KEY_EXPIRED, errorcode.KDC_ERR_PREAUTH_FAILED, errorcode.KDC_ERR_NAME_EXP,
	}, refusal.ErrorCode)
}

// explain says by how much a clock is wrong.
func explain(err error) error {
	refusal, ok := errors.AsType[messages.KRBError](err)
	if !ok || refusal.ErrorCode != errorcode.KRB_AP_ERR_SKEW {
		return err
	}
	return fmt.Errorf("the clock of the KDC is %v ahead of ours: %w", time.Until(refusal.STime).Round(time.Second), err)
}
