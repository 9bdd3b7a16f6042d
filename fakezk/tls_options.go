package fakezk

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/zookit/zookit/fakezk/internal/keystore"
)

// tlsFiles are the settings of a secure port that name files, and those that
// go with them.
type tlsFiles struct {
	port                setting // one of those that need files, if any
	key, trust          storeSettings
	clientAuth          setting
	protocol, protocols setting
}

type storeSettings struct{ location, password, passwordPath, kind setting }

// tlsProperties are system properties; see systemProperties.
var tlsProperties = map[string]set{
	"zookeeper.ssl.keyStore.location":                keep(func(c *config) *setting { return &c.tls.files.key.location }),
	"zookeeper.ssl.keyStore.password":                keep(func(c *config) *setting { return &c.tls.files.key.password }),
	"zookeeper.ssl.keyStore.passwordPath":            keep(func(c *config) *setting { return &c.tls.files.key.passwordPath }),
	"zookeeper.ssl.keyStore.type":                    keep(func(c *config) *setting { return &c.tls.files.key.kind }),
	"zookeeper.ssl.trustStore.location":              keep(func(c *config) *setting { return &c.tls.files.trust.location }),
	"zookeeper.ssl.trustStore.password":              keep(func(c *config) *setting { return &c.tls.files.trust.password }),
	"zookeeper.ssl.trustStore.passwordPath":          keep(func(c *config) *setting { return &c.tls.files.trust.passwordPath }),
	"zookeeper.ssl.trustStore.type":                  keep(func(c *config) *setting { return &c.tls.files.trust.kind }),
	"zookeeper.ssl.clientAuth":                       keep(func(c *config) *setting { return &c.tls.files.clientAuth }),
	"zookeeper.ssl.protocol":                         keep(func(c *config) *setting { return &c.tls.files.protocol }),
	"zookeeper.ssl.enabledProtocols":                 keep(func(c *config) *setting { return &c.tls.files.protocols }),
	"zookeeper.ssl.authProvider":                     only("x509"),
	"zookeeper.X509AuthenticationProvider.superUser": text(func(c *config, v string) { c.tls.superUser = v }),
	"zookeeper.client.portUnification":               portUnification,
}

func keep(place func(*config) *setting) set {
	return func(c *config, s setting) error {
		*place(c) = s
		return nil
	}
}

func portUnification(c *config, s setting) error {
	return boolean(func(c *config, on bool) {
		if c.tls.unified = on; on && c.tls.files.port.key == "" {
			c.tls.files.port = s
		}
	})(c, s)
}

// secureListenAsIn sets the secure port's address from secureClientPort and
// secureClientPortAddress.
func (c *config) secureListenAsIn(z *zooCfg) error {
	switch {
	case z.securePort.key == "" && z.secureHost.key != "":
		return z.secureHost.bad("secureClientPortAddress is set, but secureClientPort is not")
	case z.securePort.key == "":
		return nil
	}
	port, err := parsePort(z.securePort.value)
	if err != nil {
		return z.securePort.bad("%v", err)
	}
	c.tls.addr, c.tls.files.port = net.JoinHostPort(z.secureHost.value, port), z.securePort
	return nil
}

// readTLSFiles makes the configuration of TLS from files, unless an option
// gives one, or nothing needs it.
func (c *config) readTLSFiles() error {
	f := &c.tls.files
	if f.port.key == "" || c.tls.config != nil {
		return nil
	}
	if f.key.location.key == "" {
		return f.port.bad("needs ssl.keyStore.location: a file with the server's key and certificate")
	}
	minVersion, maxVersion, err := f.versions()
	if err != nil {
		return err
	}
	clientAuth, err := f.wantedFromClients()
	if err != nil {
		return err
	}
	keys, err := f.key.read()
	if err != nil {
		return err
	}
	if len(keys.Keys) == 0 {
		return f.key.location.bad("has no private key")
	}
	settings := &tls.Config{Certificates: keys.Keys, MinVersion: minVersion, MaxVersion: maxVersion, ClientAuth: clientAuth}
	if clientAuth != tls.NoClientCert {
		if settings.ClientCAs, err = f.trusted(); err != nil {
			return err
		}
	}
	c.tls.config = settings
	return nil
}

func (f *tlsFiles) trusted() (*x509.CertPool, error) {
	if f.trust.location.key == "" {
		return nil, f.port.bad("needs ssl.trustStore.location: a file with certificates that those of clients must be signed by; or else ssl.clientAuth=none")
	}
	store, err := f.trust.read()
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, cert := range store.Trusted {
		pool.AddCert(cert)
	}
	return pool, nil
}

// versions are those that the server speaks; by default, as on a Java that has
// it, TLS 1.3 alone.
func (f *tlsFiles) versions() (least, most uint16, err error) {
	s := f.protocol
	if f.protocols.key != "" {
		s = f.protocols
	}
	known := map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}
	for _, name := range splitList(cmp.Or(s.value, "TLSv1.3")) {
		version, ok := known[name]
		if !ok {
			return 0, 0, s.bad("fakezk speaks TLSv1.2 and TLSv1.3")
		}
		if least == 0 || version < least {
			least = version
		}
		most = max(most, version)
	}
	return least, most, nil
}

// wantedFromClients is what of a client's certificate is needed.
func (f *tlsFiles) wantedFromClients() (tls.ClientAuthType, error) {
	switch strings.ToLower(f.clientAuth.value) {
	case "", "need":
		return tls.RequireAndVerifyClientCert, nil
	case "want":
		return tls.VerifyClientCertIfGiven, nil
	case "none":
		return tls.NoClientCert, nil
	}
	return 0, f.clientAuth.bad("want need, want or none")
}

// read reads a store, whose format its type or else the file's name tells.
func (s *storeSettings) read() (*keystore.Store, error) {
	path := s.location.value
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, s.location.bad("%v", err)
	}
	password, err := s.secret()
	if err != nil {
		return nil, err
	}
	kind := cmp.Or(s.kind.value, strings.TrimPrefix(filepath.Ext(path), "."))
	store, err := keystore.Read(kind, data, password)
	if errors.Is(err, keystore.ErrKind) && s.kind.key != "" {
		return nil, s.kind.bad("%v", err)
	}
	if err != nil {
		return nil, s.location.bad("%v", err)
	}
	return store, nil
}

func (s *storeSettings) secret() (string, error) {
	if s.passwordPath.key == "" {
		return s.password.value, nil
	}
	secret, err := os.ReadFile(s.passwordPath.value)
	if err != nil {
		return "", fmt.Errorf("fakezk: %s: %w", s.passwordPath.at, err)
	}
	return strings.TrimRight(string(secret), "\r\n"), nil
}
