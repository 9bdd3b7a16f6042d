package fakezk

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// reportMetrics is mntr: what a real server tells and a fake can know. Left
// out are the queues, pipelines, caches and disks that a fake does not have.
func (s *Server) reportMetrics(b *strings.Builder, openFiles, maxFiles int64) {
	e := s.ensemble
	fmt.Fprintf(b, "zk_version\t%s\nzk_server_state\tstandalone\n", e.cfg.fullVersion())
	b.WriteString("zk_avg_latency\t0.0\nzk_connection_drop_probability\t0.0\n")
	received, sent, bytes := s.traffic()
	st := &s.stats
	for _, m := range []struct {
		key   string
		value int64
	}{
		{"min_latency", 0},
		{"max_latency", 0},
		{"packets_received", received},
		{"packets_sent", sent},
		{"bytes_received_count", bytes},
		{"response_bytes", st.responseBytes},
		{"watch_bytes", st.watchBytes},
		{"last_client_response_size", int64(st.lastResponse)},
		{"min_client_response_size", int64(st.minResponse)},
		{"max_client_response_size", int64(st.maxResponse)},

		{"num_alive_connections", int64(len(s.conns))},
		{"connection_request_count", st.connects},
		{"connection_revalidate_count", st.revalidated},
		{"connection_rejected", st.rejected},
		{"connection_drop_count", st.dropped},
		{"sessionless_connections_expired", st.silent},
		{"stale_sessions_expired", st.expired},
		{"auth_failed_count", st.badHandshakes},
		{"unsuccessful_handshake", st.badHandshakes},
		{"global_sessions", int64(len(e.sessions))},
		{"local_sessions", 0},

		{"znode_count", int64(e.state.nodeCount())},
		{"ephemerals_count", int64(e.state.ephemerals.Len())},
		{"watch_count", int64(s.watchCount())},
		{"approximate_data_size", e.state.dataSize + int64(len("/"))}, // the root's alias
		{"outstanding_requests", 0},
		{"uptime", e.now() - st.started},
		{"open_file_descriptor_count", openFiles},
		{"max_file_descriptor_count", maxFiles},

		// Nothing of this happens here, as on a real server that stands alone
		// and throttles nothing.
		{"non_mtls_local_conn_count", 0},
		{"non_mtls_remote_conn_count", 0},
		{"outstanding_tls_handshake", 0},
		{"tls_handshake_exceeded", 0},
		{"throttled_ops", 0},
		{"stale_requests", 0},
		{"stale_requests_dropped", 0},
		{"stale_replies", 0},
		{"request_throttle_wait_count", 0},
		{"large_requests_rejected", 0},
		{"looking_count", 0},
		{"proposal_count", 0},
		{"commit_count", 0},
		{"snap_count", 0},
		{"diff_count", 0},
		{"unrecoverable_error_count", 0},
		{"digest_mismatches_count", 0},
	} {
		fmt.Fprintf(b, "zk_%s\t%d\n", m.key, m.value)
	}
}

// fileDescriptors are those of the process, which has more than the server;
// -1 where the system does not tell.
func fileDescriptors() (open, limit int64) {
	open, limit = -1, -1
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		open = int64(len(list))
	}
	limits, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		return open, limit
	}
	for line := range strings.Lines(string(limits)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			if fields := strings.Fields(rest); len(fields) > 0 {
				if n, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
					limit = n
				}
			}
		}
	}
	return open, limit
}
