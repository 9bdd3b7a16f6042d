package zkotel_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	apitrace "go.opentelemetry.io/otel/trace"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/zkotel"
)

// attributes are those of a span or point as texts.
func attributes(list []attribute.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range list {
		m[string(kv.Key)] = kv.Value.String()
	}
	return m
}

func TestSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := harness.New(t, harness.Fake())
		spans := tracetest.NewSpanRecorder()
		tracers := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
		hooks, err := zkotel.Hooks(zkotel.WithTracerProvider(tracers))
		require.NoError(t, err)
		c := e.Connect(zk.Observe(hooks))

		ctx, parent := tracers.Tracer("test").Start(t.Context(), "work")
		_, _, err = c.Create(ctx, "/app", nil, zk.Persistent)
		require.NoError(t, err)
		_, _, err = c.Get(ctx, "/none")
		require.ErrorIs(t, err, zk.ErrNoNode)
		parent.End()
		_, err = c.Async().Get("/app").Wait(t.Context())
		require.NoError(t, err)
		c.Cut()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err = c.Get(short, "/app")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		c.Heal()

		ended := spans.Ended()
		require.Len(t, ended, 5)
		created, refused, work, async, late := ended[0], ended[1], ended[2], ended[3], ended[4]
		require.Equal(t, "zookeeper create", created.Name())
		require.Equal(t, apitrace.SpanKindClient, created.SpanKind())
		require.Equal(t, work.SpanContext().SpanID(), created.Parent().SpanID())
		attrs := attributes(created.Attributes())
		require.NotEmpty(t, attrs["zookeeper.zxid"])
		delete(attrs, "zookeeper.zxid")
		require.Equal(t, map[string]string{
			"db.system.name": "zookeeper", "db.operation.name": "create", "zookeeper.path": "/app",
			"server.address": "127.0.0.1", "server.port": "2181",
		}, attrs)
		require.Equal(t, codes.Unset, created.Status().Code)

		attrs = attributes(refused.Attributes())
		require.Equal(t, "NoNode", attrs["error.type"])
		require.Equal(t, "-101", attrs["db.response.status_code"])
		require.Equal(t, codes.Error, refused.Status().Code)
		require.False(t, async.Parent().IsValid())
		attrs = attributes(late.Attributes())
		require.Equal(t, "deadline_exceeded", attrs["error.type"])
		require.NotContains(t, attrs, "server.address", "it was sent to none")
		require.Equal(t, time.Second, late.EndTime().Sub(late.StartTime()))
	})
}

func TestWithoutPaths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := harness.New(t, harness.Fake())
		spans := tracetest.NewSpanRecorder()
		hooks, err := zkotel.Hooks(zkotel.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(spans))), zkotel.WithoutPaths())
		require.NoError(t, err)
		_, _, err = e.Connect(zk.Observe(hooks)).Exists(t.Context(), "/secret")
		require.NoError(t, err)
		require.NotContains(t, attributes(spans.Ended()[0].Attributes()), "zookeeper.path")
	})
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := harness.New(t, harness.Fake())
		reader := sdkmetric.NewManualReader()
		hooks, err := zkotel.Hooks(zkotel.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
		require.NoError(t, err)
		c := e.Connect(zk.Observe(hooks))
		_, _, w, err := c.ExistsW(t.Context(), "/app")
		require.NoError(t, err)
		_, _, err = c.Create(t.Context(), "/app", nil, zk.Persistent)
		require.NoError(t, err)
		<-w.C
		_, _, err = c.Get(t.Context(), "/none")
		require.Error(t, err)
		time.Sleep(time.Minute) // for pings
		c.Cut()
		c.Heal()
		c.Expire()
		_, err = c.WaitState(t.Context(), zk.Connected)
		require.NoError(t, err)

		var all metricdata.ResourceMetrics
		require.NoError(t, reader.Collect(t.Context(), &all))
		sums, calls := map[string]int64{}, map[string]uint64{}
		for _, m := range all.ScopeMetrics[0].Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					sums[m.Name] += p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					attrs := attributes(p.Attributes.ToSlice())
					require.NotContains(t, attrs, "zookeeper.path")
					calls[m.Name+" "+attrs["db.operation.name"]+" "+attrs["error.type"]] += p.Count
				}
			}
		}
		require.EqualValues(t, 1, calls["db.client.operation.duration create "])
		require.EqualValues(t, 1, calls["db.client.operation.duration get NoNode"])
		require.Positive(t, calls["zookeeper.client.ping.duration  "])
		require.GreaterOrEqual(t, calls["zookeeper.client.connect.duration  "], uint64(3))
		require.EqualValues(t, 2, sums["zookeeper.client.disconnects"])
		require.EqualValues(t, 2, sums["zookeeper.client.sessions"])
		require.EqualValues(t, 1, sums["zookeeper.client.events"])
		require.GreaterOrEqual(t, sums["zookeeper.client.state_changes"], int64(5))
	})
}
