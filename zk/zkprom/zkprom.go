// Package zkprom makes metrics for Prometheus of what clients of package zk do.
//
//	metrics := zkprom.New()
//	prometheus.MustRegister(metrics)
//	c, err := zk.Dial(ctx, servers, zk.Observe(metrics.Hooks()))
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	metrics.Track(c)
//
// One Metrics may serve several clients, whose numbers it adds up; to tell them
// apart, give each a Metrics of its own and register it with a label
// ([prometheus.WrapRegistererWith]). The names are:
//
//	zookeeper_client_request_duration_seconds{op,outcome}  histogram, with the wait for a connection
//	zookeeper_client_request_errors_total{op,error}        such as error="NoNode"
//	zookeeper_client_sent_bytes_total                      of requests
//	zookeeper_client_received_bytes_total                  of replies
//	zookeeper_client_connect_duration_seconds{outcome}     histogram, outcome ok or failed
//	zookeeper_client_disconnects_total{reason}             lost or closed
//	zookeeper_client_state_changes_total{state}            transitions to a state
//	zookeeper_client_sessions_begun_total
//	zookeeper_client_sessions_ended_total{reason}          expired, closed or auth_failed
//	zookeeper_client_events_total{type}                    such as type="NodeDeleted"
//	zookeeper_client_auth_failures_total
//	zookeeper_client_ping_duration_seconds                 histogram of round trips
//
// and of the clients that [Metrics.Track] was told of:
//
//	zookeeper_client_clients{state}      how many are in a state
//	zookeeper_client_requests_waiting    for a connection
//	zookeeper_client_requests_in_flight  sent and not answered
//	zookeeper_client_watched_paths{kind}
//
// The outcomes are those of zk.Outcome. There is no label with a path or a
// server: their number has no bound.
package zkprom

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zookit/zookit/zk"
)

const prefix = "zookeeper_client_"

// DefaultBuckets are the bounds of all histograms, in seconds: from half a
// millisecond to ten seconds.
var DefaultBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Metrics are a [prometheus.Collector]. It is safe for concurrent use.
type Metrics struct {
	requests, connects    *prometheus.HistogramVec
	pings                 prometheus.Histogram
	errors, disconnects   *prometheus.CounterVec
	states, ended, events *prometheus.CounterVec
	sent, received        prometheus.Counter
	begun, authFailures   prometheus.Counter
	all                   []prometheus.Collector
	clients               clients
}

// New makes metrics with the buckets for all histograms, in seconds, or with
// [DefaultBuckets] if none are given. Nothing counts before [Metrics.Hooks] is
// given to a client.
func New(buckets ...float64) *Metrics {
	if len(buckets) == 0 {
		buckets = DefaultBuckets
	}
	m := &Metrics{}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		opts := prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets}
		v := prometheus.NewHistogramVec(opts, labels)
		m.all = append(m.all, v)
		return v
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
		m.all = append(m.all, v)
		return v
	}
	m.requests = histogram("request_duration_seconds", "How long requests took, with the wait for a connection.", "op", "outcome")
	m.connects = histogram("connect_duration_seconds", "How long attempts at connecting to a server took.", "outcome")
	m.pings = histogram("ping_duration_seconds", "Round trips of pings.").WithLabelValues().(prometheus.Histogram)
	m.errors = counter("request_errors_total", "Requests that failed, by error.", "op", "error")
	m.sent = counter("sent_bytes_total", "Bytes of requests.").WithLabelValues()
	m.received = counter("received_bytes_total", "Bytes of replies.").WithLabelValues()
	m.disconnects = counter("disconnects_total", "Connections that ended, by whether they were lost.", "reason")
	m.states = counter("state_changes_total", "Transitions to a state.", "state")
	m.begun = counter("sessions_begun_total", "Sessions that began.").WithLabelValues()
	m.ended = counter("sessions_ended_total", "Sessions that ended.", "reason")
	m.events = counter("events_total", "Events of watches that servers sent.", "type")
	m.authFailures = counter("auth_failures_total", "Credentials that servers refused.").WithLabelValues()
	m.all = append(m.all, &m.clients)
	return m
}

// Describe is part of [prometheus.Collector].
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.all {
		c.Describe(ch)
	}
}

// Collect is part of [prometheus.Collector].
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.all {
		c.Collect(ch)
	}
}

// Hooks are what the option zk.Observe of a client is to be given.
func (m *Metrics) Hooks() zk.Hooks {
	return zk.Hooks{
		CallEnd:      m.callEnd,
		Attempt:      m.attempt,
		Disconnect:   m.disconnect,
		StateChange:  func(s zk.StateChange) { m.states.WithLabelValues(label(s.To.String())).Inc() },
		SessionBegin: func(*zk.Session) { m.begun.Inc() },
		SessionEnd:   m.sessionEnd,
		Event:        func(e zk.Event) { m.events.WithLabelValues(e.Type.String()).Inc() },
		Auth: func(_ string, err error) {
			if err != nil {
				m.authFailures.Inc()
			}
		},
		Pong: func(_ string, roundTrip time.Duration) { m.pings.Observe(roundTrip.Seconds()) },
	}
}

func (m *Metrics) callEnd(_ context.Context, call zk.Call, r zk.CallResult) {
	op := label(call.Op)
	m.requests.WithLabelValues(op, string(r.Outcome())).Observe(r.Duration.Seconds())
	if r.Err != nil {
		m.errors.WithLabelValues(op, errorName(r.Err)).Inc()
	}
	m.sent.Add(float64(r.Sent))
	m.received.Add(float64(r.Received))
}

// label is a word of package zk as a value of a label.
func label(word string) string { return strings.ReplaceAll(strings.ToLower(word), " ", "_") }

// errorName is one of a bounded number of names.
func errorName(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "DeadlineExceeded"
	case errors.Is(err, context.Canceled):
		return "Canceled"
	case errors.Is(err, zk.ErrClosed):
		return "Closed"
	}
	if code, ok := errors.AsType[zk.Code](err); ok {
		return code.Name()
	}
	return "Other"
}

func (m *Metrics) attempt(a zk.Attempt) {
	outcome := "ok"
	if a.Err != nil {
		outcome = "failed"
	}
	m.connects.WithLabelValues(outcome).Observe(a.Duration.Seconds())
}

func (m *Metrics) disconnect(d zk.Disconnect) {
	reason := "lost"
	if errors.Is(d.Cause, zk.ErrClosed) {
		reason = "closed"
	}
	m.disconnects.WithLabelValues(reason).Inc()
}

func (m *Metrics) sessionEnd(_ *zk.Session, cause error) {
	reason := "expired"
	switch {
	case errors.Is(cause, zk.ErrClosed):
		reason = "closed"
	case errors.Is(cause, zk.ErrAuthFailed):
		reason = "auth_failed"
	}
	m.ended.WithLabelValues(reason).Inc()
}
