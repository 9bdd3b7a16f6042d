package fakezk

import (
	"slices"
	"strings"
)

// statsSince36 are the fields of server_stats that came with 3.6.
var statsSince36 = []string{"uptime", "auth_failed_count", "non_mtlsremote_conn_count", "non_mtlslocal_conn_count"}

// adminServerStats is server_stats, and the beginning of stats. Sizes on disk
// are 0, as nothing is kept there.
func (s *Server) adminServerStats() AdminObject {
	received, sent, _ := s.traffic()
	st := &s.stats
	sizes := AdminObject{
		{"last_buffer_size", st.lastResponse}, {"min_buffer_size", st.minResponse}, {"max_buffer_size", st.maxResponse},
	}
	stats := AdminObject{
		{"packets_sent", sent},
		{"packets_received", received},
		{"fsync_threshold_exceed_count", 0},
		{"client_response_stats", sizes},
		{"data_dir_size", 0},
		{"log_dir_size", 0},
		{"last_processed_zxid", s.ensemble.state.zxid},
		{"outstanding_requests", 0},
		{"server_state", "standalone"},
		{"avg_latency", 0.0},
		{"max_latency", 0},
		{"min_latency", 0},
		{"num_alive_client_connections", len(s.conns)},
		{"uptime", s.ensemble.now() - st.started},
		{"auth_failed_count", st.badHandshakes},
		{"non_mtlsremote_conn_count", 0},
		{"non_mtlslocal_conn_count", 0},
		{"provider_null", false},
	}
	if s.ensemble.cfg.quirks.oldAdminAnswers {
		stats = slices.DeleteFunc(stats, func(f AdminField) bool { return slices.Contains(statsSince36, f.Key) })
	}
	return AdminObject{
		{"version", s.ensemble.cfg.release.fullVersion()},
		{"read_only", false},
		{"server_stats", stats},
		{"client_response", sizes},
		{"node_count", s.ensemble.state.nodeCount()},
	}
}

func (s *Server) adminConnections() AdminObject {
	return AdminObject{
		{"connections", s.adminConnectionsOf(false, false)}, {"secure_connections", s.adminConnectionsOf(true, false)},
	}
}

// adminConnectionsOf are the connections of a port.
func (s *Server) adminConnectionsOf(secure, brief bool) []AdminObject {
	objects := []AdminObject{}
	for _, c := range s.sortedConns(secure) {
		o := c.adminBrief()
		if !brief {
			o = append(o, c.adminSession()...)
		}
		objects = append(objects, o)
	}
	return objects
}

func (c *conn) adminBrief() AdminObject {
	return AdminObject{
		{"remote_socket_address", strings.TrimPrefix(c.javaAddr(), "/")},
		{"interest_ops", 1},
		{"outstanding_requests", 0},
		{"packets_received", c.stats.received - c.stats.clearedReceived},
		{"packets_sent", c.stats.sent - c.stats.clearedSent},
	}
}

func (c *conn) adminSession() AdminObject {
	st := &c.stats
	var id, timeout int64
	if c.session != nil {
		id, timeout = c.session.id, c.session.timeout
	}
	var op any = st.lastOp()
	if st.op == neverOp {
		op = nil
	}
	return AdminObject{
		{"session_id", id},
		{"last_operation", op},
		{"established", st.established},
		{"session_timeout", timeout},
		{"last_cxid", int64(st.xid)},
		{"last_zxid", st.zxid},
		{"last_response_time", st.respondedAt()},
		{"last_latency", 0},
		{"min_latency", 0},
		{"avg_latency", 0},
		{"max_latency", 0},
	}
}
