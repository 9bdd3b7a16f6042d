package zkprom_test

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/zkprom"
)

func Example() {
	server, err := fakezk.Listen() // for one that is there, so that this runs
	if err != nil {
		panic(err)
	}
	defer server.Close()

	metrics := zkprom.New()
	registry := prometheus.NewRegistry() // or prometheus.DefaultRegisterer
	registry.MustRegister(metrics)
	ctx := context.Background()
	c, err := zk.Dial(ctx, server.ConnectString(), zk.Observe(metrics.Hooks()))
	if err != nil {
		panic(err)
	}
	defer c.Close()
	metrics.Track(c)

	if _, _, err := c.Create(ctx, "/app", nil, zk.Persistent); err != nil {
		panic(err)
	}
	n, err := testutil.GatherAndCount(registry, "zookeeper_client_request_duration_seconds")
	fmt.Println(n, err)
	// Output: 1 <nil>
}
