package docker

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/zookit/zookit/internal/backend"
)

const (
	defaultVersion = "3.9"
	defaultTick    = 200 * time.Millisecond // as that of the java backend

	// What the image listens on. A member with a front listens on the port of
	// that instead of clientPort.
	clientPort = 2181
	tlsPort    = 2281
	adminPort  = 8080

	// Files of the harness's own in a container.
	storeFile = "/zookit/member.pem"
	trustFile = "/zookit/ca.pem"
	jaasFile  = "/zookit/jaas.conf"
)

// A plan is a spec in the words of the image's contract.
type plan struct {
	image   string
	voters  int // their ids come first
	members []memberPlan
	output  io.Writer
}

type memberPlan struct {
	id    int
	env   map[string]string
	files map[string]string       // contents by path
	ports map[backend.Port]uint16 // within the container
}

// name is how the others call a member.
func (p memberPlan) name() string { return name(p.id) }

func name(id int) string { return "zk" + strconv.Itoa(id) }

func planOf(s backend.Spec) (*plan, error) {
	const most = 99
	if n := s.Servers + s.Observers; s.Servers < 1 || s.Observers < 0 || n > most {
		return nil, fmt.Errorf("%d servers and %d observers: there must be 1 server or more, and %d members at most", s.Servers, s.Observers, most)
	}
	if s.TickTime < 0 || s.TickTime%time.Millisecond != 0 {
		return nil, fmt.Errorf("tick time %v is not whole milliseconds", s.TickTime)
	}
	if err := errors.Join(s.TLS.Check(), backend.CheckUsers(s.Users)); err != nil {
		return nil, err
	}
	fronts, err := ports(s)
	if err != nil {
		return nil, err
	}
	extra, err := words(s)
	if err != nil {
		return nil, err
	}
	for _, flag := range s.JVMFlags {
		if strings.ContainsFunc(flag, unicode.IsSpace) {
			return nil, fmt.Errorf("JVM flag %q: the image splits flags at spaces", flag)
		}
	}
	p := &plan{image: image(s.Version), voters: s.Servers, output: s.Output}
	if p.output == nil {
		p.output = io.Discard
	}
	for id := 1; id <= s.Servers+s.Observers; id++ {
		m := memberPlan{id: id, ports: map[backend.Port]uint16{backend.PortClient: fronts[id-1]}}
		if s.TLS != nil {
			m.ports[backend.PortTLS] = tlsPort
		}
		if s.AdminServer {
			m.ports[backend.PortAdmin] = adminPort
		}
		m.env = environment(s, id, fronts, extra)
		m.files = files(s)
		p.members = append(p.members, m)
	}
	return p, nil
}

// image is that of the version, unless the environment names one with a tag.
func image(version string) string {
	if version == "" {
		version = defaultVersion
	}
	image := os.Getenv("ZK_DOCKER_IMAGE")
	if image == "" {
		image = "zookeeper"
	}
	if last := image[strings.LastIndex(image, "/")+1:]; strings.ContainsAny(last, ":@") {
		return image
	}
	return image + ":" + version
}

// ports are those on which members listen for clients. Members tell of them,
// and cannot tell of others than those they listen on: a front has the same.
func ports(s backend.Spec) (ports []uint16, err error) {
	n := s.Servers + s.Observers
	if len(s.Fronts) != 0 && len(s.Fronts) != n {
		return nil, fmt.Errorf("there are %d fronts for %d members", len(s.Fronts), n)
	}
	for i := range n {
		port := uint64(clientPort)
		if len(s.Fronts) != 0 {
			_, text, err := net.SplitHostPort(s.Fronts[i])
			if err == nil {
				port, err = strconv.ParseUint(text, 10, 16)
			}
			if err != nil {
				return nil, fmt.Errorf("front %q: %w", s.Fronts[i], err)
			}
		}
		ports = append(ports, uint16(port))
	}
	return ports, nil
}

func environment(s backend.Spec, id int, fronts []uint16, extra string) map[string]string {
	tick := s.TickTime
	if tick == 0 {
		tick = defaultTick
	}
	if id > s.Servers {
		extra = "peerType=observer " + extra
	}
	return map[string]string{
		"ZOO_MY_ID":     strconv.Itoa(id),
		"ZOO_SERVERS":   servers(s, fronts),
		"ZOO_TICK_TIME": strconv.FormatInt(tick.Milliseconds(), 10),
		// Time for a booting ensemble, however busy the machine is, and less
		// for a silent peer.
		"ZOO_INIT_LIMIT":             strconv.Itoa(max(10, ticks(tick, 10*time.Second))),
		"ZOO_SYNC_LIMIT":             strconv.Itoa(max(5, ticks(tick, 2*time.Second))),
		"ZOO_MAX_CLIENT_CNXNS":       "0", // all clients have the address of Docker's proxy
		"ZOO_STANDALONE_ENABLED":     strconv.FormatBool(!s.Reconfig),
		"ZOO_ADMINSERVER_ENABLED":    strconv.FormatBool(s.AdminServer),
		"ZOO_4LW_COMMANDS_WHITELIST": "*",
		"ZOO_CFG_EXTRA":              extra,
		"ZK_SERVER_HEAP":             "256",
		"JVMFLAGS":                   strings.Join(jvmFlags(s), " "),
	}
}

// ticks are as many as last for d or a bit longer.
func ticks(tick, d time.Duration) int { return int((d + tick - 1) / tick) }

// servers are the lines of all members, the same for each.
func servers(s backend.Spec, fronts []uint16) string {
	var lines []string
	for i, port := range fronts {
		id, host, role := i+1, name(i+1), "participant"
		if len(fronts) == 1 {
			host = "localhost" // there is no network
		}
		if id > s.Servers {
			role = "observer"
		}
		lines = append(lines, fmt.Sprintf("server.%d=%s:2888:3888:%s;%d", id, host, role, port))
	}
	return strings.Join(lines, " ")
}

// words are the lines of zoo.cfg beyond those that the image knows, as it
// takes them: one word a line. The spec's own come last, and so win.
func words(s backend.Spec) (string, error) {
	lines := []string{"quorumListenOnAllIPs=true"} // a partition takes the address away for a while
	if s.Reconfig {
		lines = append(lines, "reconfigEnabled=true")
	}
	if s.ReadOnly { // or a member without quorum refuses all sessions
		lines = append(lines, "localSessionsEnabled=true", "localSessionsUpgradingEnabled=true")
	}
	if t := s.TLS; t != nil {
		clientAuth := t.ClientAuth
		if clientAuth == "" {
			clientAuth = "need"
		}
		lines = append(lines,
			"serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
			"secureClientPort="+strconv.Itoa(tlsPort),
			"ssl.keyStore.location="+storeFile, "ssl.keyStore.type=PEM",
			"ssl.trustStore.location="+trustFile, "ssl.trustStore.type=PEM",
			"ssl.clientAuth="+clientAuth)
	}
	if len(s.Users) > 0 {
		lines = append(lines, "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider")
	}
	var words []string
	for _, line := range append(lines, s.Config...) {
		word, err := word(line)
		if err != nil {
			return "", err
		}
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " "), nil
}

// word is a line of zoo.cfg without spaces, which a file of Java properties
// can have as escapes. A comment is "".
func word(line string) (string, error) {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") {
		return "", nil
	}
	key, value, ok := strings.Cut(line, "=")
	if !ok {
		return "", fmt.Errorf("line %q of zoo.cfg: it has no =", line)
	}
	var b strings.Builder
	for _, r := range strings.TrimSpace(key) + "=" + strings.TrimSpace(value) {
		if unicode.IsSpace(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String(), nil
}

// jvmFlags make the JVM boot fast, the server fsync never, and an election wait
// for those who do not answer a second and not five, or up to a minute where a
// member has been alone for long.
func jvmFlags(s backend.Spec) []string {
	flags := []string{
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData",
		"-Dzookeeper.forceSync=no", "-Dzookeeper.preAllocSize=64",
		"-Dzookeeper.cnxTimeout=1000", "-Dzookeeper.fastleader.maxNotificationInterval=1000",
		"-Dfile.encoding=UTF-8", // or the names of digest users depend on the image
	}
	if s.ReadOnly {
		flags = append(flags, "-Dreadonlymode.enabled=true")
	}
	if len(s.Users) > 0 {
		flags = append(flags, "-Djava.security.auth.login.config="+jaasFile)
	}
	return append(flags, s.JVMFlags...)
}

func files(s backend.Spec) map[string]string {
	files := map[string]string{}
	if t := s.TLS; t != nil {
		store, _ := t.KeyStore() // it was checked
		files[storeFile] = string(store)
		files[trustFile] = string(t.CA)
	}
	if len(s.Users) > 0 {
		files[jaasFile] = backend.JAAS(s.Users)
	}
	return files
}
