package zkprom

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zookit/zookit/zk"
)

var (
	clientsDesc  = prometheus.NewDesc(prefix+"clients", "Clients that are in a state.", []string{"state"}, nil)
	waitingDesc  = prometheus.NewDesc(prefix+"requests_waiting", "Requests that wait for a connection.", nil, nil)
	inFlightDesc = prometheus.NewDesc(prefix+"requests_in_flight", "Requests that were sent and are not answered.", nil, nil)
	watchedDesc  = prometheus.NewDesc(prefix+"watched_paths", "Paths that are watched, by kind of watch.", []string{"kind"}, nil)
)

// clients are what the gauges are made of.
type clients struct {
	mu   sync.Mutex // guards list
	list []*zk.Conn
}

// Track makes c count in the gauges, until it is closed.
func (m *Metrics) Track(c *zk.Conn) {
	m.clients.mu.Lock()
	defer m.clients.mu.Unlock()
	if !slices.Contains(m.clients.list, c) {
		m.clients.list = append(m.clients.list, c)
	}
}

// Describe is part of [prometheus.Collector].
func (c *clients) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{clientsDesc, waitingDesc, inFlightDesc, watchedDesc} {
		ch <- d
	}
}

// Collect is part of [prometheus.Collector].
func (c *clients) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	states := map[zk.State]int{}
	var sum zk.Stats
	for _, s := range c.stats() {
		states[s.State]++
		sum.Waiting += s.Waiting
		sum.InFlight += s.InFlight
		sum.DataWatches += s.DataWatches
		sum.ExistWatches += s.ExistWatches
		sum.ChildWatches += s.ChildWatches
		sum.PersistentWatches += s.PersistentWatches
		sum.RecursiveWatches += s.RecursiveWatches
	}
	for state := zk.Connecting; !state.Terminal(); state++ {
		gauge(clientsDesc, states[state], label(state.String()))
	}
	gauge(waitingDesc, sum.Waiting)
	gauge(inFlightDesc, sum.InFlight)
	gauge(watchedDesc, sum.DataWatches, "data")
	gauge(watchedDesc, sum.ExistWatches, "exist")
	gauge(watchedDesc, sum.ChildWatches, "child")
	gauge(watchedDesc, sum.PersistentWatches, "persistent")
	gauge(watchedDesc, sum.RecursiveWatches, "recursive")
}

// stats are those of the clients that are not closed; the others are forgotten.
func (c *clients) stats() []zk.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []zk.Stats
	c.list = slices.DeleteFunc(c.list, func(conn *zk.Conn) bool {
		s := conn.Stats()
		if !s.State.Terminal() {
			all = append(all, s)
		}
		return s.State.Terminal()
	})
	return all
}
