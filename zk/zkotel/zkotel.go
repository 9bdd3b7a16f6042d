// Package zkotel makes traces and metrics for OpenTelemetry of what clients of
// package zk do.
//
//	hooks, err := zkotel.Hooks()
//	if err != nil {
//		return err
//	}
//	c, err := zk.Dial(ctx, servers, zk.Observe(hooks))
//
// Each call is a span of the kind client, named by the operation, such as
// "zookeeper get", within the span of the context that the call was given. A
// call of zk.Async has no context, and its span no parent. Attributes follow
// the semantic conventions for clients of databases, as far as they fit:
//
//	db.system.name           zookeeper
//	db.operation.name        such as get
//	db.response.status_code  such as -101, of what a server has answered
//	error.type               such as NoNode, or canceled
//	server.address           of the server that got the request
//	server.port
//	zookeeper.path           as the caller gave it; see WithoutPaths
//	zookeeper.zxid           of the reply
//	zookeeper.try            of zk.Conn.Retry, from the second on
//
// The metrics are
//
//	db.client.operation.duration         histogram, s; with the wait for a connection
//	zookeeper.client.connect.duration    histogram, s; error.type is "failed" for those that failed
//	zookeeper.client.disconnects         with zookeeper.reason: lost or closed
//	zookeeper.client.state_changes       with zookeeper.state
//	zookeeper.client.sessions            that began
//	zookeeper.client.events              with zookeeper.event
//	zookeeper.client.ping.duration       histogram, s
//
// of which none has a path.
package zkotel

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/zookit/zookit/zk"
)

const scope = "github.com/zookit/zookit/zk/zkotel"

// An Option changes what Hooks makes.
type Option func(*config)

type config struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
	paths   bool
}

// WithTracerProvider takes tracers from p. The default is the global provider.
func WithTracerProvider(p trace.TracerProvider) Option { return func(c *config) { c.tracers = p } }

// WithMeterProvider takes meters from p. The default is the global provider.
func WithMeterProvider(p metric.MeterProvider) Option { return func(c *config) { c.meters = p } }

// WithoutPaths keeps paths out of spans, for such as are secret.
func WithoutPaths() Option { return func(c *config) { c.paths = false } }

// Hooks are what the option zk.Observe of one client or several is to be given.
// It fails if the meter refuses an instrument.
func Hooks(opts ...Option) (zk.Hooks, error) {
	cfg := config{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider(), paths: true}
	for _, opt := range opts {
		opt(&cfg)
	}
	o := &observer{tracer: cfg.tracers.Tracer(scope), paths: cfg.paths}
	if err := o.instruments(cfg.meters.Meter(scope)); err != nil {
		return zk.Hooks{}, err
	}
	return zk.Hooks{
		CallBegin:    o.callBegin,
		CallEnd:      o.callEnd,
		Attempt:      o.attempt,
		Disconnect:   o.disconnect,
		StateChange:  func(s zk.StateChange) { add(o.states, attribute.String("zookeeper.state", s.To.String())) },
		SessionBegin: func(*zk.Session) { add(o.sessions) },
		Event:        func(e zk.Event) { add(o.events, attribute.String("zookeeper.event", e.Type.String())) },
		Pong:         func(_ string, roundTrip time.Duration) { record(context.Background(), o.pings, roundTrip) },
	}, nil
}

type observer struct {
	tracer trace.Tracer
	paths  bool

	calls, connects, pings                metric.Float64Histogram
	disconnects, states, sessions, events metric.Int64Counter
}

func (o *observer) instruments(m metric.Meter) error {
	var all []error
	seconds := func(to *metric.Float64Histogram, name, what string) {
		var err error
		*to, err = m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what),
			metric.WithExplicitBucketBoundaries(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
		all = append(all, err)
	}
	count := func(to *metric.Int64Counter, name, unit, what string) {
		var err error
		*to, err = m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
		all = append(all, err)
	}
	seconds(&o.calls, "db.client.operation.duration", "How long calls took, with the wait for a connection.")
	seconds(&o.connects, "zookeeper.client.connect.duration", "How long attempts at connecting to a server took.")
	seconds(&o.pings, "zookeeper.client.ping.duration", "Round trips of pings.")
	count(&o.disconnects, "zookeeper.client.disconnects", "{connection}", "Connections that ended.")
	count(&o.states, "zookeeper.client.state_changes", "{transition}", "Transitions to a state.")
	count(&o.sessions, "zookeeper.client.sessions", "{session}", "Sessions that began.")
	count(&o.events, "zookeeper.client.events", "{event}", "Events of watches that servers sent.")
	return errors.Join(all...)
}

// add counts one.
func add(c metric.Int64Counter, attrs ...attribute.KeyValue) {
	c.Add(context.Background(), 1, metric.WithAttributes(attrs...))
}

func record(ctx context.Context, h metric.Float64Histogram, d time.Duration, attrs ...attribute.KeyValue) {
	h.Record(ctx, d.Seconds(), metric.WithAttributes(attrs...))
}

var system = attribute.String("db.system.name", "zookeeper")

func (o *observer) callBegin(ctx context.Context, call zk.Call) context.Context {
	ctx, span := o.tracer.Start(ctx, "zookeeper "+call.Op, trace.WithSpanKind(trace.SpanKindClient))
	if !span.IsRecording() {
		return ctx
	}
	span.SetAttributes(system, attribute.String("db.operation.name", call.Op))
	if o.paths && call.Path != "" {
		span.SetAttributes(attribute.String("zookeeper.path", call.Path))
	}
	if call.Try > 1 {
		span.SetAttributes(attribute.Int("zookeeper.try", call.Try))
	}
	return ctx
}

func (o *observer) callEnd(ctx context.Context, call zk.Call, r zk.CallResult) {
	common := append(server(r.Server), errorType(r.Err)...)
	record(ctx, o.calls, r.Duration, append(common, system, attribute.String("db.operation.name", call.Op))...)

	span := trace.SpanFromContext(ctx)
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(common...)
	if r.Zxid != 0 {
		span.SetAttributes(attribute.Int64("zookeeper.zxid", r.Zxid))
	}
	if code, ok := errors.AsType[zk.Code](r.Err); ok && r.Outcome() == zk.OutcomeRefused {
		span.SetAttributes(attribute.String("db.response.status_code", strconv.Itoa(int(code))))
	}
	if r.Err != nil {
		span.SetStatus(codes.Error, r.Err.Error())
	}
}

// server are the attributes of a server, none for "".
func server(addr string) []attribute.KeyValue {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil
	}
	return []attribute.KeyValue{attribute.String("server.address", host), attribute.Int("server.port", n)}
}

// errorType is the attribute of an error, none for nil. There is a bounded
// number of values.
func errorType(err error) []attribute.KeyValue {
	if err == nil {
		return nil
	}
	name := "_OTHER"
	code, ok := errors.AsType[zk.Code](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		name = "deadline_exceeded"
	case errors.Is(err, context.Canceled):
		name = "canceled"
	case errors.Is(err, zk.ErrClosed):
		name = "closed"
	case ok:
		name = code.Name()
	}
	return []attribute.KeyValue{attribute.String("error.type", name)}
}

func (o *observer) attempt(a zk.Attempt) {
	attrs := server(a.Server)
	if a.Err != nil {
		attrs = append(attrs, attribute.String("error.type", "failed"))
	}
	record(context.Background(), o.connects, a.Duration, attrs...)
}

func (o *observer) disconnect(d zk.Disconnect) {
	reason := "lost"
	if errors.Is(d.Cause, zk.ErrClosed) {
		reason = "closed"
	}
	add(o.disconnects, append(server(d.Server), attribute.String("zookeeper.reason", reason))...)
}
