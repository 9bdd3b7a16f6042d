package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zookit/zookit/zk"
)

// Ruok is nil if the server serves.
func (c *Client) Ruok(ctx context.Context) error {
	_, err := c.Command(ctx, "ruok", nil)
	return err
}

// ServerStats is the answer to server_stats.
type ServerStats struct {
	Version     zk.Version
	ReadOnly    bool
	State       string // as Srvr.Mode
	Latency     Latency
	Received    int64 // packets
	Sent        int64 // packets
	Connections int64
	Outstanding int64 // requests
	Zxid        int64
	Nodes       int64
	Uptime      time.Duration // since 3.6
	Answer      Answer        // all of it
}

// ServerStats is what the server tells about itself.
func (c *Client) ServerStats(ctx context.Context) (ServerStats, error) {
	return typed(ctx, c, "server_stats", func(a Answer) (s ServerStats, err error) {
		var in struct {
			Sent        int64   `json:"packets_sent"`
			Received    int64   `json:"packets_received"`
			Max         int64   `json:"max_latency"`
			Min         int64   `json:"min_latency"`
			Avg         float64 `json:"avg_latency"`
			Outstanding int64   `json:"outstanding_requests"`
			Zxid        int64   `json:"last_processed_zxid"`
			State       string  `json:"server_state"`
			Connections int64   `json:"num_alive_client_connections"`
			Uptime      int64   `json:"uptime"`
		}
		version := ""
		err = errors.Join(a.Decode("server_stats", &in), a.Decode("version", &version),
			a.Decode("read_only", &s.ReadOnly), a.Decode("node_count", &s.Nodes))
		if err != nil {
			return s, err
		}
		s.Latency = Latency{Min: in.Min, Avg: in.Avg, Max: in.Max}
		s.Sent, s.Received, s.Outstanding, s.Connections = in.Sent, in.Received, in.Outstanding, in.Connections
		s.State, s.Zxid, s.Uptime = in.State, in.Zxid, time.Duration(in.Uptime)*time.Millisecond
		s.Answer = a
		s.Version, err = zk.ParseVersion(version)
		return s, err
	})
}

// Monitor are the metrics, as those of Words.Mntr: keys have "zk_" before
// them.
func (c *Client) Monitor(ctx context.Context) (Mntr, error) {
	return typed(ctx, c, "monitor", func(a Answer) (Mntr, error) {
		return ParseMntr(a.lines("zk_", "\t"))
	})
}

// lines are the fields that are no objects or lists, as words have them.
func (a Answer) lines(before, separator string) string {
	var b strings.Builder
	for _, f := range a {
		value := string(f.Value)
		if text := ""; json.Unmarshal(f.Value, &text) == nil {
			value = text
		}
		if value != "" && value[0] != '{' && value[0] != '[' && !strings.ContainsAny(value, "\r\n") {
			b.WriteString(before + f.Key + separator + value + "\n")
		}
	}
	return b.String()
}

// Environment is what the server runs in.
func (c *Client) Environment(ctx context.Context) (Envi, error) {
	return typed(ctx, c, "environment", func(a Answer) (Envi, error) {
		return ParseEnvi("Environment:\n" + a.lines("", "="))
	})
}

// Configuration is how the server is configured. It has no membership; see
// VotingView.
func (c *Client) Configuration(ctx context.Context) (Conf, error) {
	return typed(ctx, c, "configuration", func(a Answer) (Conf, error) {
		for i, f := range a {
			a[i].Key = camel(f.Key)
		}
		return ParseConf(a.lines("", "="))
	})
}

// camel is a key of JSON as zoo.cfg has it.
func camel(key string) string {
	words := strings.Split(key, "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

// Connections are all connections of clients, those by TLS last.
func (c *Client) Connections(ctx context.Context) ([]Connection, error) {
	return typed(ctx, c, "connections", func(a Answer) (all []Connection, err error) {
		type connection struct {
			Addr        string  `json:"remote_socket_address"`
			Interest    int64   `json:"interest_ops"`
			Queued      int64   `json:"outstanding_requests"`
			Received    int64   `json:"packets_received"`
			Sent        int64   `json:"packets_sent"`
			Session     int64   `json:"session_id"`
			LastOp      string  `json:"last_operation"`
			Established int64   `json:"established"`
			Timeout     int64   `json:"session_timeout"`
			LastCxid    int64   `json:"last_cxid"`
			LastZxid    int64   `json:"last_zxid"`
			LastLatency int64   `json:"last_latency"`
			Min         int64   `json:"min_latency"`
			Avg         float64 `json:"avg_latency"`
			Max         int64   `json:"max_latency"`
		}
		var plain, secure []connection
		if err := errors.Join(a.Decode("connections", &plain), a.Decode("secure_connections", &secure)); err != nil {
			return nil, err
		}
		for _, in := range append(plain, secure...) {
			k := Connection{
				Addr: in.Addr, Interest: in.Interest, Queued: in.Queued, Received: in.Received, Sent: in.Sent,
				Session: in.Session, LastOp: in.LastOp, Timeout: time.Duration(in.Timeout) * time.Millisecond,
				LastCxid: in.LastCxid, LastZxid: in.LastZxid, LastLatency: in.LastLatency,
				Latency: Latency{Min: in.Min, Avg: in.Avg, Max: in.Max},
			}
			if in.Established != 0 {
				k.Established = time.UnixMilli(in.Established)
			}
			all = append(all, k)
		}
		return all, nil
	})
}

// A Leader is the answer to leader.
type Leader struct {
	IsLeader bool   `json:"is_leader"` // the server that was asked
	ID       int64  `json:"leader_id"`
	IP       string `json:"leader_ip"`
}

// Leader is who leads. It takes a server of 3.6 that is member of an ensemble.
func (c *Client) Leader(ctx context.Context) (Leader, error) {
	return typed(ctx, c, "leader", func(a Answer) (l Leader, err error) {
		return l, errors.Join(a.Decode("is_leader", &l.IsLeader), a.Decode("leader_id", &l.ID), a.Decode("leader_ip", &l.IP))
	})
}

// IsReadOnly tells whether the server serves reads only.
func (c *Client) IsReadOnly(ctx context.Context) (bool, error) {
	return typed(ctx, c, "is_read_only", func(a Answer) (is bool, err error) {
		return is, a.Decode("read_only", &is)
	})
}

// Watches are the watches by session, sorted.
func (c *Client) Watches(ctx context.Context) ([]SessionWatches, error) {
	return typed(ctx, c, "watches", func(a Answer) (all []SessionWatches, err error) {
		var in map[string][]string
		if err := a.Decode("session_id_to_watched_paths", &in); err != nil {
			return nil, err
		}
		for id, paths := range in {
			n, err := strconv.ParseInt(id, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("admin: watches: %w", err)
			}
			slices.Sort(paths)
			all = append(all, SessionWatches{Session: n, Paths: paths})
		}
		slices.SortFunc(all, func(x, y SessionWatches) int { return cmp.Compare(x.Session, y.Session) })
		return all, nil
	})
}

// WatchesByPath are the watches by path, sorted.
func (c *Client) WatchesByPath(ctx context.Context) ([]PathWatches, error) {
	return typed(ctx, c, "watches_by_path", func(a Answer) (all []PathWatches, err error) {
		var in map[string][]int64
		if err := a.Decode("path_to_session_ids", &in); err != nil {
			return nil, err
		}
		for path, sessions := range in {
			slices.Sort(sessions)
			all = append(all, PathWatches{Path: path, Sessions: sessions})
		}
		slices.SortFunc(all, func(x, y PathWatches) int { return cmp.Compare(x.Path, y.Path) })
		return all, nil
	})
}

// WatchSummary is how many watches there are.
func (c *Client) WatchSummary(ctx context.Context) (Wchs, error) {
	return typed(ctx, c, "watch_summary", func(a Answer) (w Wchs, err error) {
		return w, errors.Join(a.Decode("num_connections", &w.Connections), a.Decode("num_paths", &w.Paths),
			a.Decode("num_total_watches", &w.Watches))
	})
}

// Dirs is how much the server has on disk.
func (c *Client) Dirs(ctx context.Context) (Dirs, error) {
	return typed(ctx, c, "dirs", func(a Answer) (d Dirs, err error) {
		return d, errors.Join(a.Decode("datadir_size", &d.Snapshots), a.Decode("logdir_size", &d.Logs))
	})
}

// Hash are digests of the tree. It takes a server of 3.6.
func (c *Client) Hash(ctx context.Context) ([]Digest, error) {
	return typed(ctx, c, "hash", func(a Answer) (all []Digest, err error) {
		var in []struct {
			Zxid   int64  `json:"zxid"`
			Digest uint64 `json:"digest"`
		}
		err = a.Decode("digests", &in)
		for _, d := range in {
			all = append(all, Digest{Zxid: d.Zxid, Digest: d.Digest})
		}
		return all, err
	})
}

// VotingView are the members that vote, by their ids. It takes a server of 3.6
// that is member of an ensemble.
func (c *Client) VotingView(ctx context.Context) ([]zk.Member, error) {
	return typed(ctx, c, "voting_view", func(a Answer) (all []zk.Member, err error) {
		var in map[string]struct {
			Servers   []string `json:"server_addresses"`
			Elections []string `json:"election_addresses"`
			Client    string   `json:"client_address"`
			Role      zk.Role  `json:"learner_type"`
		}
		if err := a.Decode("current_config", &in); err != nil {
			return nil, err
		}
		for id, server := range in {
			// The line of a config has the same, and its parser is strict.
			var peers []string
			for i, addr := range server.Servers {
				if i >= len(server.Elections) {
					break
				}
				_, port, err := net.SplitHostPort(server.Elections[i])
				if err != nil {
					return nil, fmt.Errorf("admin: voting_view: %w", err)
				}
				peers = append(peers, addr+":"+port)
			}
			m, err := zk.ParseMember(fmt.Sprintf("server.%s=%s:%s;%s", id, strings.Join(peers, "|"), server.Role, server.Client))
			if err != nil {
				return nil, fmt.Errorf("admin: voting_view: %w", err)
			}
			all = append(all, m)
		}
		slices.SortFunc(all, func(x, y zk.Member) int { return cmp.Compare(x.ID, y.ID) })
		return all, nil
	})
}

// TraceMask is the trace mask: bits of what the server writes to its trace log.
func (c *Client) TraceMask(ctx context.Context) (int64, error) {
	return typed(ctx, c, "get_trace_mask", func(a Answer) (n int64, err error) { return n, a.Decode("tracemask", &n) })
}

// SetTraceMask sets the trace mask.
func (c *Client) SetTraceMask(ctx context.Context, mask int64) error {
	_, err := c.Command(ctx, "set_trace_mask", url.Values{"traceMask": {strconv.FormatInt(mask, 10)}})
	return err
}

// typed is a command with a reader of its answer.
func typed[T any](ctx context.Context, c *Client, name string, read func(Answer) (T, error)) (T, error) {
	var none T
	a, err := c.Command(ctx, name, nil)
	if err != nil {
		return none, err
	}
	v, err := read(a)
	if err != nil {
		return none, err
	}
	return v, nil
}
