package zkotel_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/zkotel"
)

func Example() {
	server, err := fakezk.Listen() // for one that is there, so that this runs
	if err != nil {
		panic(err)
	}
	defer server.Close()

	spans := tracetest.NewSpanRecorder() // in place of an exporter
	hooks, err := zkotel.Hooks(zkotel.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(spans))))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	c, err := zk.Dial(ctx, server.ConnectString(), zk.Observe(hooks))
	if err != nil {
		panic(err)
	}
	defer c.Close()
	if _, _, err := c.Create(ctx, "/app", nil, zk.Persistent); err != nil {
		panic(err)
	}
	for _, span := range spans.Ended() {
		fmt.Println(span.Name(), span.Status().Code)
	}
	// Output: zookeeper create Unset
}
