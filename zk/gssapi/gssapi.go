// Package gssapi logs in to ZooKeeper by Kerberos, for [zk.SASL]:
//
//	login, err := gssapi.FromKeytab("app/host1.example.com@EXAMPLE.COM", "/etc/app.keytab")
//	if err != nil {
//		return err
//	}
//	c, err := zk.Dial(ctx, "zk1.example.com,zk2.example.com", zk.SASL(login))
//
// Tickets are asked for when a connection needs them, and kept until shortly
// before they end: no goroutine renews them, and a Mechanism needs no end. What
// takes a KDC counts as part of the attempt to connect, and ends with it.
//
// The server proves itself as well: who does not have the key of its principal
// is refused. The connection is not protected afterwards, as ZooKeeper has no
// layer for that; TLS does it, and goes together with Kerberos.
//
// # What ends a client
//
// A password or key that is wrong, or a client that the KDC does not know or
// does not let in, is a login that has failed, and ends a zk.Conn; so does a
// server that refuses the login. A KDC that cannot be reached, a clock that is
// wrong, a server's principal that the KDC does not know or a ticket that has
// ended are failed attempts to connect.
//
// # Limitations
//
// Credential caches are files. Encryption is by AES. In krb5.conf, lines that
// include others are passed over, and auth_to_local has no effect.
package gssapi

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/types"
)

// A Mechanism is SASL's GSSAPI, for one client principal. It is safe for
// concurrent use, by several zk.Conns too, which share its tickets.
type Mechanism struct {
	settings settings
	conf     *config.Config
	cname    types.PrincipalName
	realm    string
	// Either secrets makes what a ticket is asked for with, or cache is where one is.
	secrets func() (*credentials.Credentials, error)
	cache   string

	mu       sync.Mutex        // guards all below; never held over I/O
	granting ticket            // zero: none
	services map[string]ticket // by principal
}

type settings struct {
	conf         string
	service      string
	principal    string
	canonicalize bool
}

// An Option changes one setting of a [Mechanism].
type Option func(*settings)

// Krb5Conf is the file with realms and KDCs. The default is KRB5_CONFIG of the
// environment, or else /etc/krb5.conf. A realm without a KDC in it is looked up
// in DNS.
func Krb5Conf(file string) Option { return func(s *settings) { s.conf = file } }

// Service is the first part of the server's principal. The default is
// "zookeeper"; the second part is the host as the connect string has it.
func Service(name string) Option { return func(s *settings) { s.service = name } }

// ServerPrincipal is the principal of all servers, such as
// "zookeeper/ensemble.example.com@EXAMPLE.COM". The default is one for each
// host.
func ServerPrincipal(name string) Option { return func(s *settings) { s.principal = name } }

// Canonicalize takes for the host of a server's principal the name that DNS has
// for its address, as Java's client does. Whoever rules that part of DNS
// chooses who may be the server. The default is the host as the connect string
// has it.
func Canonicalize() Option { return func(s *settings) { s.canonicalize = true } }

// FromKeytab logs in as a principal, such as "app@EXAMPLE.COM", whose key is in
// a file. Without a realm it is of the default realm. The file is read for each
// login.
func FromKeytab(principal, file string, opts ...Option) (*Mechanism, error) {
	m, err := newMechanism(principal, opts)
	if err != nil {
		return nil, err
	}
	m.secrets = func() (*credentials.Credentials, error) {
		keys, err := loadKeytab(file)
		if err != nil {
			return nil, err
		}
		return credentials.NewFromPrincipalName(m.cname, m.realm).WithKeytab(keys), nil
	}
	_, err = m.secrets()
	return m, err
}

func loadKeytab(file string) (keys *keytab.Keytab, err error) {
	err = proof(func() error {
		keys, err = keytab.Load(file)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("gssapi: keytab %s: %w", file, err)
	}
	return keys, nil
}

// FromPassword logs in as a principal with its password.
func FromPassword(principal, password string, opts ...Option) (*Mechanism, error) {
	m, err := newMechanism(principal, opts)
	if err != nil {
		return nil, err
	}
	m.secrets = func() (*credentials.Credentials, error) {
		return credentials.NewFromPrincipalName(m.cname, m.realm).WithPassword(password), nil
	}
	return m, nil
}

// FromCache logs in as whom a credential cache has a ticket for, as kinit
// leaves it. "" is KRB5CCNAME of the environment, or else /tmp/krb5cc_UID. The
// file is read again when a ticket has ended, so that something else may renew
// it.
func FromCache(file string, opts ...Option) (*Mechanism, error) {
	file = cmp.Or(file, os.Getenv("KRB5CCNAME"), fmt.Sprintf("/tmp/krb5cc_%d", os.Getuid()))
	if kind, path, ok := strings.Cut(file, ":"); ok {
		if file = path; kind != "FILE" {
			return nil, fmt.Errorf("gssapi: credential cache of the kind %q; there is none but FILE", kind)
		}
	}
	found, err := loadCache(file)
	if err != nil {
		return nil, err
	}
	m, err := newMechanism(found.GetClientPrincipalName().PrincipalNameString()+"@"+found.GetClientRealm(), opts)
	if err != nil {
		return nil, err
	}
	m.cache = file
	return m, nil
}

func loadCache(file string) (found *credentials.CCache, err error) {
	err = proof(func() error {
		found, err = credentials.LoadCCache(file)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("gssapi: credential cache %s: %w", file, err)
	}
	return found, nil
}

func newMechanism(principal string, opts []Option) (*Mechanism, error) {
	m := &Mechanism{services: map[string]ticket{}}
	m.settings.service = "zookeeper"
	for _, opt := range opts {
		opt(&m.settings)
	}
	first, _, _ := strings.Cut(os.Getenv("KRB5_CONFIG"), ":")
	file := cmp.Or(m.settings.conf, first, "/etc/krb5.conf")
	var err error
	if m.conf, err = loadConf(file); err != nil {
		return nil, fmt.Errorf("gssapi: %s: %w", file, err)
	}
	m.cname, m.realm = types.ParseSPNString(principal)
	m.realm = cmp.Or(m.realm, m.conf.LibDefaults.DefaultRealm)
	switch {
	case m.cname.PrincipalNameString() == "":
		return nil, errors.New("gssapi: the principal has no name")
	case m.realm == "":
		return nil, fmt.Errorf("gssapi: principal %s has no realm, and %s no default_realm", principal, file)
	case m.settings.service == "":
		return nil, errors.New("gssapi: the service has no name")
	}
	return m, nil
}

// loadConf passes over what is of no concern here.
func loadConf(file string) (conf *config.Config, err error) {
	err = proof(func() error {
		conf, err = config.Load(file)
		return err
	})
	if _, odd := errors.AsType[config.UnsupportedDirective](err); odd && conf != nil {
		err = nil
	}
	return conf, err
}

// proof makes errors of the panics that gokrb5 has for what is malformed.
func proof(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed: %v", p)
		}
	}()
	return f()
}

// Principal is who logs in, with its realm.
func (m *Mechanism) Principal() string { return m.cname.PrincipalNameString() + "@" + m.realm }
