package fakezk

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reportServer is srvr.
func (s *Server) reportServer(b *strings.Builder) {
	s.reportVersion(b)
	s.reportStats(b)
}

// reportStat is stat.
func (s *Server) reportStat(secure bool, b *strings.Builder) {
	s.reportVersion(b)
	b.WriteString("Clients:\n")
	for _, c := range s.sortedConns(secure) {
		c.reportBriefly(b)
		b.WriteString(")\n")
	}
	b.WriteByte('\n')
	s.reportStats(b)
}

func (s *Server) reportVersion(b *strings.Builder) {
	fmt.Fprintf(b, "Zookeeper version: %s\n", s.ensemble.cfg.release.fullVersion())
}

func (s *Server) reportStats(b *strings.Builder) {
	received, sent, _ := s.traffic()
	average := "0.0"
	if s.ensemble.cfg.quirks.wholeLatency {
		average = "0"
	}
	fmt.Fprintf(b, "Latency min/avg/max: 0/%s/0\nReceived: %d\nSent: %d\nConnections: %d\n", average, received, sent, len(s.conns))
	fmt.Fprintf(b, "Outstanding: 0\nZxid: 0x%x\nMode: standalone\nNode count: %d\n",
		s.ensemble.state.zxid, s.ensemble.state.nodeCount())
}

// nodeCount is the number of znodes as a server tells it, which counts the
// root twice: it has a name and an alias.
func (s *state) nodeCount() int { return s.tree.nodes.Len() + 1 }

// reportConnections is cons.
func (s *Server) reportConnections(secure bool, b *strings.Builder) {
	for _, c := range s.sortedConns(secure) {
		c.reportBriefly(b)
		if c.session != nil {
			c.reportSession(b)
		}
		b.WriteString(")\n")
	}
	b.WriteByte('\n')
}

// clearConnections is crst.
func (s *Server) clearConnections(secure bool, b *strings.Builder) {
	for _, c := range s.sortedConns(secure) {
		c.stats.clear()
	}
	b.WriteString("Connection stats reset.\n")
}

// sortedConns are the connections of a port, the secure one or the other, by
// age.
func (s *Server) sortedConns(secure bool) []*conn {
	conns := slices.DeleteFunc(slices.Collect(maps.Keys(s.conns)), func(c *conn) bool { return c.secure != secure })
	slices.SortFunc(conns, func(a, b *conn) int {
		return cmp.Or(cmp.Compare(a.stats.established, b.stats.established), cmp.Compare(a.javaAddr(), b.javaAddr()))
	})
	return conns
}

// reportBriefly tells of a connection. In brackets is what the server waits
// for: 1 is to read, and 0 is nothing, which is the connection of a word.
func (c *conn) reportBriefly(b *strings.Builder) {
	interest := 1
	if c.forWord {
		interest = 0
	}
	fmt.Fprintf(b, " %s[%d](queued=0,recved=%d,sent=%d", c.javaAddr(), interest,
		c.stats.received-c.stats.clearedReceived, c.stats.sent-c.stats.clearedSent)
}

func (c *conn) reportSession(b *strings.Builder) {
	st := &c.stats
	fmt.Fprintf(b, ",sid=%s,lop=%s,est=%d,to=%d", sessionName(c.session.id), st.lastOp(), st.established, c.session.timeout)
	if st.xid >= 0 {
		fmt.Fprintf(b, ",lcxid=0x%x", st.xid)
	}
	fmt.Fprintf(b, ",lzxid=0x%x,lresp=%d,llat=0,minlat=0,avglat=0,maxlat=0", uint64(st.zxid), st.respondedAt())
}

// javaAddr is the client's address as Java prints it.
func (c *conn) javaAddr() string {
	addr := c.net.RemoteAddr().String()
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || ap.Addr().Unmap().Is4() {
		return "/" + addr
	}
	groups := make([]string, 8)
	for i, bytes := 0, ap.Addr().As16(); i < len(groups); i++ {
		groups[i] = fmt.Sprintf("%x", uint16(bytes[2*i])<<8|uint16(bytes[2*i+1]))
	}
	return fmt.Sprintf("/[%s]:%d", strings.Join(groups, ":"), ap.Port())
}

// reportConfig is conf. Nothing is kept on disk, so that its sizes are 0.
func (s *Server) reportConfig(b *strings.Builder) {
	cfg := s.ensemble.cfg
	dataDir, logDir := versioned(cfg.dataDir), versioned(cmp.Or(cfg.dataLogDir, cfg.dataDir))
	if cfg.quirks.briefConf {
		fmt.Fprintf(b, "clientPort=%d\ndataDir=%s\ndataLogDir=%s\n", portOf(s.addr), dataDir, logDir)
	} else {
		fmt.Fprintf(b, "clientPort=%d\nsecureClientPort=%d\n", portOf(s.addr), s.securePort())
		fmt.Fprintf(b, "dataDir=%s\ndataDirSize=0\ndataLogDir=%s\ndataLogSize=0\n", dataDir, logDir)
	}
	fmt.Fprintf(b, "tickTime=%d\nmaxClientCnxns=%d\nminSessionTimeout=%d\nmaxSessionTimeout=%d\n",
		cfg.tickTime.Milliseconds(), cfg.maxPerHost, cfg.minTimeout.Milliseconds(), cfg.maxTimeout.Milliseconds())
	if !cfg.quirks.confWithoutBacklog {
		fmt.Fprintf(b, "clientPortListenBacklog=%d\n", cfg.backlog)
	}
	b.WriteString("serverId=0\n")
}

// securePort is -1 without TLS.
func (s *Server) securePort() int {
	if s.ensemble.cfg.tls.config == nil {
		return -1
	}
	return portOf(s.tlsAddr)
}

func portOf(addr string) int {
	_, text, _ := net.SplitHostPort(addr)
	port, _ := strconv.Atoi(text) // 0 for the address in memory that has none
	return port
}

// versioned is where a server keeps its files in a directory that it is given.
func versioned(dir string) string {
	if dir == "" {
		return ""
	}
	return strings.TrimSuffix(dir, "/") + "/version-2"
}

// reportSessions is dump.
func (s *Server) reportSessions(b *strings.Builder) {
	e := s.ensemble
	b.WriteString("SessionTracker dump:\nSession ")
	reportQueue(b, e, e.expiry, (*session).name)
	b.WriteString("ephemeral nodes dump:\n")
	owners := 0
	var paths strings.Builder
	for _, id := range slices.Sorted(maps.Keys(e.sessions)) {
		if !e.sessions[id].owned {
			continue
		}
		owners++
		fmt.Fprintf(&paths, "%s:\n", sessionName(id))
		e.state.eachEphemeral(id, func(path string) { fmt.Fprintf(&paths, "\t%s\n", path) })
	}
	fmt.Fprintf(b, "Sessions with Ephemerals (%d):\n%s", owners, paths.String())
	if e.cfg.quirks.oldWords {
		return
	}
	b.WriteString("Connections dump:\nConnections ")
	reportQueue(b, e, e.idle, (*conn).name)
}

func (s *session) name() string { return sessionName(s.id) }

func (c *conn) name() string {
	var id int64
	if c.session != nil {
		id = c.session.id
	}
	return fmt.Sprintf("ip: %s sessionId: %s", c.javaAddr(), sessionName(id))
}

// reportQueue tells what ends when.
func reportQueue[K comparable](b *strings.Builder, e *Ensemble, q *expiryQueue[K], name func(K) string) {
	deadlines := slices.Sorted(maps.Keys(q.buckets))
	count := 0
	for _, bucket := range q.buckets {
		count += len(bucket)
	}
	if e.cfg.quirks.oldWords {
		fmt.Fprintf(b, "Sets (%d):\n", len(deadlines))
	} else {
		fmt.Fprintf(b, "Sets (%d)/(%d):\n", len(deadlines), count)
	}
	for _, deadline := range deadlines {
		var names []string
		for k := range q.buckets[deadline] {
			names = append(names, name(k))
		}
		slices.Sort(names)
		at := e.start.Add(time.Duration(deadline) * time.Millisecond)
		fmt.Fprintf(b, "%d expire at %s:\n", len(names), at.Format("Mon Jan 02 15:04:05 MST 2006"))
		for _, name := range names {
			fmt.Fprintf(b, "\t%s\n", name)
		}
	}
}
