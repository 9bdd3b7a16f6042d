package fakezk

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// adminCommands are all of 3.9. A fake has no files to make a snapshot of or
// to restore from, and so these two are as a real server has them disabled.
var adminCommands = []adminCommand{
	{names: []string{"configuration", "conf", "config"}, tell: locked((*Server).adminConfig)},
	{names: []string{"connections", "cons"}, tell: locked((*Server).adminConnections)},
	{names: []string{"connection_stat_reset", "crst"}, tell: locked(func(s *Server) AdminObject {
		s.clearConnections(false, &strings.Builder{})
		return nil
	})},
	{names: []string{"dirs"}, tell: constant(AdminObject{{"datadir_size", 0}, {"logdir_size", 0}})},
	{names: []string{"dump"}, tell: locked((*Server).adminSessions)},
	{names: []string{"environment", "env", "envi"}, tell: adminEnvironment, stopped: true},
	{names: []string{"get_trace_mask", "gtmk"}, stopped: true, tell: locked(func(s *Server) AdminObject {
		return AdminObject{{"tracemask", s.traceMask}}
	})},
	{names: []string{"hash"}, since: release{6, 0}, tell: constant(AdminObject{{"digests", []AdminObject{}}})},
	{names: []string{"initial_configuration", "icfg"}, since: release{6, 0}, tell: locked(func(s *Server) AdminObject {
		return AdminObject{{"initial_configuration", s.ensemble.cfg.initialConfiguration()}}
	})},
	{names: []string{"is_read_only", "isro"}, tell: constant(AdminObject{{"read_only", false}})},
	{names: []string{"last_snapshot", "lsnp"}, since: release{5, 10}, tell: locked(func(s *Server) AdminObject {
		begun := s.ensemble.start.Add(time.Duration(s.stats.started) * time.Millisecond)
		return AdminObject{{"zxid", "0"}, {"timestamp", begun.Unix()}}
	})},
	{names: []string{"leader", "lead"}, since: release{6, 0}, tell: constant(AdminObject{{"error", "server is not initialized"}})},
	{names: []string{"monitor", "mntr"}, tell: adminMonitor},
	{names: []string{"observers", "obsr"}, since: release{6, 0}, tell: constant(AdminObject{{"synced_observers", 0}, {"observers", []AdminObject{}}})},
	{names: []string{"observer_connection_stat_reset", "orst"}, since: release{6, 0}, tell: constant(nil)},
	{names: []string{"restore", "rest"}, since: release{9, 0}, guarded: true, post: true},
	{names: []string{"ruok"}, tell: constant(nil)},
	{names: []string{"server_stats", "srvr"}, tell: locked((*Server).adminServerStats)},
	{names: []string{"set_trace_mask", "stmk"}, tell: adminSetTraceMask, stopped: true},
	{names: []string{"snapshot", "snap"}, since: release{9, 0}, guarded: true},
	{names: []string{"stat_reset", "srst"}, tell: locked(func(s *Server) AdminObject { s.resetStats(); return nil })},
	{names: []string{"stats", "stat"}, tell: locked(func(s *Server) AdminObject {
		return append(s.adminServerStats(),
			AdminField{"connections", s.adminConnectionsOf(false, true)}, AdminField{"secure_connections", s.adminConnectionsOf(true, true)})
	})},
	{names: []string{"system_properties", "sysp"}, since: release{6, 0}, tell: adminProperties, stopped: true},
	{names: []string{"voting_view"}, since: release{6, 0}, tell: constant(AdminObject{{"current_config", AdminObject{}}})},
	{names: []string{"watch_summary", "wchs"}, tell: locked((*Server).adminWatchSummary)},
	{names: []string{"watches", "wchc"}, tell: locked((*Server).adminWatches)},
	{names: []string{"watches_by_path", "wchp"}, tell: locked((*Server).adminWatchesByPath)},
	{names: []string{"zabstate"}, since: release{5, 10}, tell: constant(AdminObject{{"voting", false}, {"zabstate", ""}})},
}

// locked is what tells under the ensemble's lock.
func locked(tell func(*Server) AdminObject) func(*Server, *AdminQuery) AdminObject {
	return func(s *Server, _ *AdminQuery) AdminObject {
		s.ensemble.mu.Lock()
		defer s.ensemble.mu.Unlock()
		return tell(s)
	}
}

func constant(fields AdminObject) func(*Server, *AdminQuery) AdminObject {
	return func(*Server, *AdminQuery) AdminObject { return slices.Clip(fields) }
}

func (s *Server) adminConfig() AdminObject {
	cfg := s.ensemble.cfg
	fields := AdminObject{
		{"client_port", portOf(s.addr)},
		{"data_dir", versioned(cfg.dataDir)},
		{"data_log_dir", versioned(cmp.Or(cfg.dataLogDir, cfg.dataDir))},
		{"tick_time", cfg.tickTime.Milliseconds()},
		{"max_client_cnxns", cfg.maxPerHost},
		{"min_session_timeout", cfg.minTimeout.Milliseconds()},
		{"max_session_timeout", cfg.maxTimeout.Milliseconds()},
		{"server_id", 0},
	}
	if !cfg.quirks.confWithoutBacklog {
		fields = append(fields, AdminField{"client_port_listen_backlog", cfg.backlog})
	}
	return fields
}

// initialConfiguration is the text of zoo.cfg, or nil without one.
func (c *config) initialConfiguration() any {
	if c.zooCfg == "" {
		return nil
	}
	return c.zooCfg
}

func (s *Server) adminSessions() AdminObject {
	e := s.ensemble
	expiring := AdminObject{}
	for _, deadline := range slices.Sorted(maps.Keys(e.expiry.buckets)) {
		var ids []int64
		for session := range e.expiry.buckets[deadline] {
			ids = append(ids, session.id)
		}
		slices.Sort(ids)
		expiring = append(expiring, AdminField{strconv.FormatInt(deadline, 10), ids})
	}
	ephemerals := AdminObject{}
	for _, id := range slices.Sorted(maps.Keys(e.sessions)) {
		var paths []string
		e.state.eachEphemeral(id, func(path string) { paths = append(paths, path) })
		if len(paths) > 0 {
			ephemerals = append(ephemerals, AdminField{strconv.FormatInt(id, 10), paths})
		}
	}
	return AdminObject{{"expiry_time_to_session_ids", expiring}, {"session_id_to_ephemeral_paths", ephemerals}}
}

func adminEnvironment(s *Server, _ *AdminQuery) (fields AdminObject) {
	for _, pair := range environment(s.ensemble.cfg) {
		fields = append(fields, AdminField{pair[0], pair[1]})
	}
	return fields
}

// adminProperties has what is known of Java's properties, and those that were set.
func adminProperties(s *Server, _ *AdminQuery) (fields AdminObject) {
	properties := maps.Clone(s.ensemble.cfg.properties)
	if properties == nil {
		properties = map[string]string{}
	}
	for _, pair := range environment(s.ensemble.cfg) {
		machine := hasAnyPrefix(pair[0], "java.", "os.", "user.") && !hasAnyPrefix(pair[0], "os.memory.")
		if _, set := properties[pair[0]]; machine && !set && pair[1] != unknown {
			properties[pair[0]] = pair[1]
		}
	}
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		fields = append(fields, AdminField{key, properties[key]})
	}
	return fields
}

func adminMonitor(s *Server, _ *AdminQuery) (fields AdminObject) {
	open, limit := fileDescriptors() // not under the lock
	s.ensemble.mu.Lock()
	defer s.ensemble.mu.Unlock()
	metrics := s.metrics(open, limit)
	if s.ensemble.cfg.quirks.fewMetrics {
		metrics = oldMetrics(metrics, "last_client_response_size", "max_client_response_size", "min_client_response_size")
	}
	for _, m := range metrics {
		fields = append(fields, AdminField{m.key, m.value})
	}
	return fields
}

func adminSetTraceMask(s *Server, q *AdminQuery) AdminObject {
	const want = "setTraceMask requires long traceMask argument"
	text, ok := q.Args["traceMask"]
	if !ok {
		return AdminObject{{"error", want}}
	}
	mask, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return AdminObject{{"error", want + ", got " + text}}
	}
	s.ensemble.mu.Lock()
	defer s.ensemble.mu.Unlock()
	s.traceMask = mask
	return AdminObject{{"tracemask", mask}}
}

func (s *Server) adminWatchSummary() AdminObject {
	bySession := s.watchesBySession()
	total := 0
	for _, paths := range bySession {
		total += len(paths)
	}
	return AdminObject{{"num_connections", len(bySession)}, {"num_paths", len(s.watchesByPath())}, {"num_total_watches", total}}
}

func (s *Server) adminWatches() AdminObject {
	watches := AdminObject{}
	bySession := s.watchesBySession()
	for _, id := range slices.Sorted(maps.Keys(bySession)) {
		watches = append(watches, AdminField{strconv.FormatInt(id, 10), bySession[id]})
	}
	return AdminObject{{"session_id_to_watched_paths", watches}}
}

func (s *Server) adminWatchesByPath() AdminObject {
	watches := AdminObject{}
	byPath := s.watchesByPath()
	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		watches = append(watches, AdminField{path, byPath[path]})
	}
	return AdminObject{{"path_to_session_ids", watches}}
}
