package peers_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/javazk"
)

// A member is the server that a part of a suite has for itself.
type member interface {
	addr() string
	secureAddr() string // of the port for TLS
	stop() error        // what it has stays
	start() error       // at the same addresses
}

// A booter boots a member. The folder has the files of newCertificates.
type booter func(t *testing.T, certificates string) member

// What kazoo's suite expects of a server beyond its defaults.
var (
	memberConfig = []string{"reconfigEnabled=true", "maxClientCnxns=0", "4lw.commands.whitelist=*"}
	memberFlags  = []string{"-Dzookeeper.DigestAuthenticationProvider.superDigest=super:D/InIHSb7yEEbrWz8b9l71RjZJU="} // super:test
	memberUsers  = map[string]string{"super": "super_secret", "jaasuser": "jaas_password"}
)

type fakeMember struct{ *fakezk.Ensemble }

func bootFake(t *testing.T, certificates string) member {
	e, err := fakezk.Listen(fakezk.Config(memberConfig...), fakezk.JVMFlags(memberFlags...), fakezk.SASL(memberUsers),
		fakezk.Config("secureClientPort=0", "secureClientPortAddress=127.0.0.1",
			"ssl.keyStore.location="+filepath.Join(certificates, "server.pem"),
			"ssl.trustStore.location="+filepath.Join(certificates, "ca_cert.pem")))
	require.NoError(t, err)
	t.Cleanup(func() { e.Close() })
	return fakeMember{e}
}

func (f fakeMember) addr() string       { return f.ConnectString() }
func (f fakeMember) secureAddr() string { return f.Servers()[0].SecureAddr() }
func (f fakeMember) stop() error        { return f.Servers()[0].Stop() }
func (f fakeMember) start() error       { return f.Servers()[0].Start() }

type realMember struct{ *javazk.Server }

func bootReal(t *testing.T, certificates string) member {
	read := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(certificates, name))
		require.NoError(t, err)
		return content
	}
	both := read("server.pem")
	return realMember{javazk.Start(t, javazk.Version(javazk.Package), javazk.TickTime(2000),
		javazk.Config(memberConfig...), javazk.JVM(memberFlags...),
		func(s *backend.Spec) {
			s.Users = memberUsers
			s.TLS = &backend.TLS{Cert: both, Key: both, CA: read("ca_cert.pem")}
		})}
}

func (r realMember) addr() string       { return r.Addr() }
func (r realMember) secureAddr() string { return r.TLSAddr() }
func (r realMember) stop() error        { r.Kill(); return nil }
func (r realMember) start() error       { r.Start(); return nil }
