package zkprom_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/zkprom"
)

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := harness.New(t, harness.Fake())
		m := zkprom.New(1, 10)
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(m)
		c := e.Connect(zk.Observe(m.Hooks()))
		m.Track(c.Conn)
		m.Track(c.Conn)

		_, _, _, err := c.ExistsW(t.Context(), "/app")
		require.NoError(t, err)
		_, _, err = c.Create(t.Context(), "/app", nil, zk.Persistent)
		require.NoError(t, err)
		_, _, err = c.Get(t.Context(), "/none")
		require.Error(t, err)
		_, err = c.Async().AllChildrenNumber("/").Wait(t.Context())
		require.NoError(t, err)
		_, _, _, err = c.ChildrenW(t.Context(), "/")
		require.NoError(t, err)

		expect := func(text string, names ...string) {
			t.Helper()
			for i, name := range names {
				names[i] = "zookeeper_client_" + name
			}
			text = strings.ReplaceAll(text, "\t", "")
			require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(text), names...))
		}
		expect(`
			# HELP zookeeper_client_request_errors_total Requests that failed, by error.
			# TYPE zookeeper_client_request_errors_total counter
			zookeeper_client_request_errors_total{error="NoNode",op="get"} 1
			# HELP zookeeper_client_events_total Events of watches that servers sent.
			# TYPE zookeeper_client_events_total counter
			zookeeper_client_events_total{type="NodeCreated"} 1
			# HELP zookeeper_client_clients Clients that are in a state.
			# TYPE zookeeper_client_clients gauge
			zookeeper_client_clients{state="connected"} 1
			zookeeper_client_clients{state="connecting"} 0
			zookeeper_client_clients{state="lost"} 0
			zookeeper_client_clients{state="readonly"} 0
			zookeeper_client_clients{state="suspended"} 0
			# HELP zookeeper_client_requests_in_flight Requests that were sent and are not answered.
			# TYPE zookeeper_client_requests_in_flight gauge
			zookeeper_client_requests_in_flight 0
			# HELP zookeeper_client_watched_paths Paths that are watched, by kind of watch.
			# TYPE zookeeper_client_watched_paths gauge
			zookeeper_client_watched_paths{kind="child"} 1
			zookeeper_client_watched_paths{kind="data"} 0
			zookeeper_client_watched_paths{kind="exist"} 0
			zookeeper_client_watched_paths{kind="persistent"} 0
			zookeeper_client_watched_paths{kind="recursive"} 0
			`, "request_errors_total", "events_total", "clients", "requests_in_flight", "watched_paths")
		n, err := testutil.GatherAndCount(registry, "zookeeper_client_request_duration_seconds")
		require.NoError(t, err)
		require.Equal(t, 5, n, "exists, create, get that is refused, count, children")

		time.Sleep(time.Minute)
		c.Cut()
		c.Heal()
		c.Expire()
		_, err = c.WaitState(t.Context(), zk.Connected)
		require.NoError(t, err)
		require.NoError(t, c.Close())
		expect(`
			# HELP zookeeper_client_disconnects_total Connections that ended, by whether they were lost.
			# TYPE zookeeper_client_disconnects_total counter
			zookeeper_client_disconnects_total{reason="closed"} 1
			zookeeper_client_disconnects_total{reason="lost"} 2
			# HELP zookeeper_client_sessions_begun_total Sessions that began.
			# TYPE zookeeper_client_sessions_begun_total counter
			zookeeper_client_sessions_begun_total 2
			# HELP zookeeper_client_sessions_ended_total Sessions that ended.
			# TYPE zookeeper_client_sessions_ended_total counter
			zookeeper_client_sessions_ended_total{reason="closed"} 1
			zookeeper_client_sessions_ended_total{reason="expired"} 1
			# HELP zookeeper_client_clients Clients that are in a state.
			# TYPE zookeeper_client_clients gauge
			zookeeper_client_clients{state="connected"} 0
			zookeeper_client_clients{state="connecting"} 0
			zookeeper_client_clients{state="lost"} 0
			zookeeper_client_clients{state="readonly"} 0
			zookeeper_client_clients{state="suspended"} 0
			`, "disconnects_total", "sessions_begun_total", "sessions_ended_total", "clients")
		n, err = testutil.GatherAndCount(registry, "zookeeper_client_ping_duration_seconds")
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// What promtool would complain of.
func TestLint(t *testing.T) {
	m := zkprom.New()
	problems, err := testutil.CollectAndLint(m)
	require.NoError(t, err)
	require.Empty(t, problems)
}
