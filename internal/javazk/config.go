package javazk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/backend"
)

const (
	defaultTick = 200 * time.Millisecond
	allWords    = "4lw.commands.whitelist=*"
)

// checked fills in the defaults of a spec, and says what is wrong with it.
func checked(s backend.Spec) (backend.Spec, error) {
	if s.TickTime == 0 {
		s.TickTime = defaultTick
	}
	members := s.Servers + s.Observers
	switch {
	case s.Servers < 1:
		return s, fmt.Errorf("%d servers; there must be 1 or more", s.Servers)
	case s.Observers < 0:
		return s, fmt.Errorf("%d observers", s.Observers)
	case members > 200:
		return s, fmt.Errorf("%d members; 200 is the most", members)
	case s.TickTime < time.Millisecond || s.TickTime%time.Millisecond != 0:
		return s, fmt.Errorf("tick time %v is not whole milliseconds", s.TickTime)
	case len(s.Fronts) != 0 && len(s.Fronts) != members:
		return s, fmt.Errorf("%d front addresses for %d members", len(s.Fronts), members)
	}
	return s, errors.Join(backend.CheckUsers(s.Users), s.TLS.Check())
}

// old tells a server of the line 3.4, which has neither dynamic
// configuration nor TLS.
func old(version string) bool { return strings.HasPrefix(version, "3.4.") }

func checkVersion(s backend.Spec, version string) error {
	switch {
	case !old(version):
		return nil
	case s.Reconfig:
		return fmt.Errorf("ZooKeeper %s cannot be reconfigured; 3.5 can", version)
	case s.TLS != nil:
		return fmt.Errorf("ZooKeeper %s has no TLS; 3.5 has", version)
	case s.AdminServer:
		return fmt.Errorf("ZooKeeper %s has no AdminServer; 3.5 has", version)
	case s.Servers == 1 && s.Observers > 0:
		return fmt.Errorf("ZooKeeper %s has no observers beside one server; 3.5 has", version)
	}
	return nil
}

// quorumMode tells whether the members elect a leader; a server that has
// neither peers nor may get any is standalone.
func quorumMode(s backend.Spec) bool { return s.Servers+s.Observers > 1 || s.Reconfig }

func (m *member) configFile() string { return filepath.Join(m.dir, "zoo.cfg") }
func (m *member) dataDir() string    { return filepath.Join(m.dir, "data") }
func (m *member) logFile() string    { return filepath.Join(m.dir, "server.log") }
func (m *member) file(name string) string {
	return filepath.Join(m.dir, name)
}

// writeFiles is done once: a server that is reconfigured changes its files.
func (m *member) writeFiles() error {
	if err := os.MkdirAll(m.dataDir(), 0o755); err != nil {
		return err
	}
	files := map[string]string{
		"zoo.cfg":          lines(m.config()),
		"log4j.properties": log4j,
	}
	if quorumMode(m.c.spec) {
		files["data/myid"] = fmt.Sprintln(m.ID())
	}
	if m.c.spec.Reconfig {
		files["zoo.dynamic"] = lines(m.servers())
	}
	if len(m.c.spec.Users) > 0 {
		files["jaas.conf"] = backend.JAAS(m.c.spec.Users)
	}
	if t := m.c.spec.TLS; t != nil {
		store, err := t.KeyStore()
		if err != nil {
			return err
		}
		files["key.pem"] = string(store)
		files["trust.pem"] = string(t.CA)
	}
	for name, content := range files {
		if err := os.WriteFile(m.file(name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func lines(l []string) string { return strings.Join(l, "\n") + "\n" }

// config is zoo.cfg. The caller's lines come last, and so win.
func (m *member) config() []string {
	s, tick := m.c.spec, m.c.spec.TickTime
	c := []string{
		"dataDir=" + m.dataDir(),
		fmt.Sprint("tickTime=", tick.Milliseconds()),
		"maxClientCnxns=0",
		allWords,
		fmt.Sprint("admin.enableServer=", s.AdminServer),
	}
	if s.AdminServer {
		c = append(c, "admin.serverAddress="+m.site.otherHost, fmt.Sprint("admin.serverPort=", m.site.admin))
	}
	if !s.Reconfig {
		c = append(c, "clientPortAddress="+m.site.clientHost, fmt.Sprint("clientPort=", m.site.client))
	}
	if s.ReadOnly && !old(m.c.version) {
		// Else a member without quorum refuses all sessions.
		c = append(c, "localSessionsEnabled=true", "localSessionsUpgradingEnabled=true")
	}
	if len(s.Users) > 0 {
		c = append(c, "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider")
	}
	c = slices.Concat(c, m.quorumConfig(), m.tlsConfig(), s.Config)
	if slices.Contains(s.Config, allWords[:len(allWords)-1]) {
		// Without a value it is the server's own list. An empty one would
		// enable none, and srvr is how one learns that a server serves.
		c = slices.DeleteFunc(c, func(line string) bool { return strings.HasPrefix(allWords, line) })
	}
	return c
}

// quorumConfig gives a booting ensemble time, however busy the machine is,
// and a silent peer less.
func (m *member) quorumConfig() (c []string) {
	s := m.c.spec
	if !quorumMode(s) {
		return nil
	}
	c = []string{
		fmt.Sprint("initLimit=", max(10, ticks(10*time.Second, s.TickTime))),
		fmt.Sprint("syncLimit=", max(5, ticks(2*time.Second, s.TickTime))),
	}
	if s.Servers == 1 {
		c = append(c, "standaloneEnabled=false")
	}
	if m.observer() {
		c = append(c, "peerType=observer")
	}
	if s.Reconfig {
		return append(c, "reconfigEnabled=true", "dynamicConfigFile="+m.file("zoo.dynamic"))
	}
	return append(c, m.servers()...)
}

// ticks are as many as last for d or a bit longer.
func ticks(d, tick time.Duration) int64 { return int64((d + tick - 1) / tick) }

// servers are the members as this one finds them.
func (m *member) servers() (c []string) {
	for _, to := range m.c.members {
		at := m.c.net.peer(m.i, to.i)
		line := fmt.Sprintf("server.%d=%s:%d:%d", to.ID(), at.host, at.quorum, at.election)
		switch {
		case to.observer():
			line += ":observer"
		case m.c.spec.Reconfig:
			line += ":participant"
		}
		if m.c.spec.Reconfig {
			line += ";" + hostPort(to.site.clientHost, to.site.client)
		}
		c = append(c, line)
	}
	return c
}

func (m *member) tlsConfig() []string {
	t := m.c.spec.TLS
	if t == nil {
		return nil
	}
	auth := t.ClientAuth
	if auth == "" {
		auth = "need"
	}
	return []string{
		"serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
		"secureClientPortAddress=" + m.site.otherHost,
		fmt.Sprint("secureClientPort=", m.site.tls),
		"ssl.keyStore.location=" + m.file("key.pem"),
		"ssl.trustStore.location=" + m.file("trust.pem"),
		"ssl.clientAuth=" + auth,
	}
}

// log4j is for the logs of releases that have it.
const log4j = `log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{HH:mm:ss.SSS} [%t] %p %c - %m%n
`
