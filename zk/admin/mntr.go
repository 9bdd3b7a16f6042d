package admin

import (
	"errors"

	"github.com/zookit/zookit/zk"
)

// Mntr is the answer to mntr. Metrics are all lines, in order, with the known
// ones too: since 3.6 there are some four hundred, of which no list is kept
// here. Values are numbers but for those of zk_version and zk_server_state.
type Mntr struct {
	Version         zk.Version
	State           string // as Srvr.Mode
	Latency         Latency
	Received        int64 // packets
	Sent            int64 // packets
	Connections     int64
	Outstanding     int64 // requests
	Nodes           int64
	Watches         int64
	Ephemerals      int64
	DataSize        int64 // bytes, about
	OpenFiles       int64 // 0 where the system does not tell
	MaxFiles        int64 // 0 where the system does not tell
	Followers       int64 // of a leader: learners of all kinds before 3.6, zk_learners since
	SyncedFollowers int64 // of a leader
	PendingSyncs    int64 // of a leader
	Metrics         Fields
}

// ParseMntr reads the answer to mntr.
func ParseMntr(text string) (m Mntr, err error) {
	if err := whole(text); err != nil {
		return Mntr{}, wrong("mntr", err)
	}
	fields, err := parseFields(text, "\t")
	if err != nil {
		return Mntr{}, wrong("mntr", err)
	}
	var minimum, maximum float64 // some releases write them so
	_, err = fields.take(map[string]target{
		"zk_version":                    toVersion(&m.Version, nil),
		"zk_server_state":               toText(&m.State),
		"zk_avg_latency":                toFloat(&m.Latency.Avg),
		"zk_min_latency":                toFloat(&minimum),
		"zk_max_latency":                toFloat(&maximum),
		"zk_packets_received":           toInt(&m.Received),
		"zk_packets_sent":               toInt(&m.Sent),
		"zk_num_alive_connections":      toInt(&m.Connections),
		"zk_outstanding_requests":       toInt(&m.Outstanding),
		"zk_znode_count":                toInt(&m.Nodes),
		"zk_watch_count":                toInt(&m.Watches),
		"zk_ephemerals_count":           toInt(&m.Ephemerals),
		"zk_approximate_data_size":      toInt(&m.DataSize),
		"zk_open_file_descriptor_count": toInt(&m.OpenFiles),
		"zk_max_file_descriptor_count":  toInt(&m.MaxFiles),
		"zk_followers":                  toInt(&m.Followers),
		"zk_learners":                   toInt(&m.Followers),
		"zk_synced_followers":           toInt(&m.SyncedFollowers),
		"zk_pending_syncs":              toInt(&m.PendingSyncs),
	})
	if err == nil && m.State == "" {
		err = errors.New("there is no zk_server_state in it")
	}
	if err != nil {
		return Mntr{}, wrong("mntr", err)
	}
	m.Latency.Min, m.Latency.Max = int64(minimum), int64(maximum)
	m.Metrics = fields
	return m, nil
}
