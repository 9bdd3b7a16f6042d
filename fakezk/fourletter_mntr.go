package fakezk

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A metric is one line of mntr, which has "zk_" before its key, and one entry
// of the admin server's monitor. Its value is an integer, a text, or a float.
type metric struct {
	key   string
	value any
}

// reportMetrics is mntr.
func (s *Server) reportMetrics(b *strings.Builder, openFiles, maxFiles int64) {
	metrics := s.metrics(openFiles, maxFiles)
	if s.ensemble.cfg.quirks.fewMetrics {
		metrics = oldMetrics(metrics)
	}
	for _, m := range metrics {
		if f, ok := m.value.(float64); ok {
			m.value = javaFloat(f)
		}
		fmt.Fprintf(b, "zk_%s\t%v\n", m.key, m.value)
	}
}

// oldMetrics are those that mntr had before there was a registry of metrics,
// in their order, with a latency that is a whole number, and some more.
func oldMetrics(metrics []metric, more ...string) (old []metric) {
	for _, key := range append([]string{
		"version", "avg_latency", "max_latency", "min_latency", "packets_received", "packets_sent",
		"num_alive_connections", "outstanding_requests", "server_state", "znode_count", "watch_count",
		"ephemerals_count", "approximate_data_size", "open_file_descriptor_count", "max_file_descriptor_count",
	}, more...) {
		m := metrics[slices.IndexFunc(metrics, func(m metric) bool { return m.key == key })]
		if key == "avg_latency" {
			m.value = 0
		}
		old = append(old, m)
	}
	return old
}

// javaFloat writes a number as Java does, with a point.
func javaFloat(f float64) string {
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// metrics are those that a real server tells and a fake can know, in the real
// order. Left out are the queues, pipelines, caches and disks that a fake does
// not have. What is 0 here happens on no server that stands alone and
// throttles nothing.
func (s *Server) metrics(openFiles, maxFiles int64) []metric {
	e, st := s.ensemble, &s.stats
	received, sent, bytes := s.traffic()
	all := []metric{
		{"version", e.cfg.release.fullVersion()},
		{"server_state", "standalone"},
		{"ephemerals_count", e.state.ephemerals.Len()},
		{"num_alive_connections", len(s.conns)},
		{"avg_latency", 0.0},
		{"outstanding_requests", 0},
		{"znode_count", e.state.nodeCount()},
		{"global_sessions", len(e.sessions)},
		{"non_mtls_remote_conn_count", 0},
		{"last_client_response_size", st.lastResponse},
		{"packets_sent", sent},
		{"packets_received", received},
		{"max_client_response_size", st.maxResponse},
		{"connection_drop_probability", 0.0},
		{"watch_count", s.watchCount()},
		{"auth_failed_count", st.badHandshakes},
		{"min_latency", 0},
		{"max_file_descriptor_count", maxFiles},
		{"approximate_data_size", e.state.dataSize + int64(len("/"))}, // the root's alias
		{"open_file_descriptor_count", openFiles},
		{"local_sessions", 0},
		{"uptime", e.now() - st.started},
		{"max_latency", 0},
		{"outstanding_tls_handshake", 0},
		{"min_client_response_size", st.minResponse},
		{"non_mtls_local_conn_count", 0},
		{"watch_bytes", st.watchBytes},
		{"stale_requests_dropped", 0},
		{"throttled_ops", 0},
		{"connection_rejected", st.rejected},
		{"sessionless_connections_expired", st.silent},
		{"stale_requests", 0},
		{"connection_drop_count", st.dropped},
		{"bytes_received_count", bytes},
		{"request_throttle_wait_count", 0},
		{"stale_replies", 0},
		{"response_bytes", st.responseBytes},
		{"diff_count", 0},
		{"connection_revalidate_count", st.revalidated},
		{"unrecoverable_error_count", 0},
		{"unsuccessful_handshake", st.badHandshakes},
		{"commit_count", 0},
		{"proposal_count", 0},
		{"large_requests_rejected", 0},
		{"looking_count", 0},
		{"digest_mismatches_count", 0},
		{"connection_request_count", st.connects},
		{"snap_count", 0},
		{"stale_sessions_expired", st.expired},
		{"tls_handshake_exceeded", 0},
	}
	return slices.DeleteFunc(all, func(m metric) bool { return !e.cfg.release.has(metricsSince[m.key]) })
}

// metricsSince are the releases with which metrics came that are younger than
// the registry of metrics.
var metricsSince = map[string]release{
	"auth_failed_count": {6, 3}, "non_mtls_local_conn_count": {6, 3}, "non_mtls_remote_conn_count": {6, 3},
	"response_bytes": {7, 0}, "throttled_ops": {7, 0}, "unsuccessful_handshake": {7, 0}, "watch_bytes": {7, 0},
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
