package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/zookit/zookit/fakezk"
	fakeadmin "github.com/zookit/zookit/fakezk/admin"
	"github.com/zookit/zookit/zk/admin"
)

func ExampleWords() {
	server, err := fakezk.Listen() // for one that is there, so that this runs
	if err != nil {
		panic(err)
	}
	defer server.Close()

	ctx := context.Background()
	w := admin.Words{Addr: server.Servers()[0].Addr()}
	srvr, err := w.Srvr(ctx)
	switch {
	case errors.Is(err, admin.ErrNotServing):
		fmt.Println("it has no quorum")
	case err != nil:
		panic(err)
	default:
		fmt.Println(srvr.Mode, srvr.Version.AtLeast(3, 6, 0), srvr.Nodes)
	}
	// Output: standalone true 5
}

func ExampleClient() {
	server, err := fakezk.Listen() // for one that is there, so that this runs
	if err != nil {
		panic(err)
	}
	defer server.Close()
	web, err := fakeadmin.Listen(server.Servers()[0], "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer web.Close()

	ctx := context.Background()
	c := admin.Client{URL: web.URL(), HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	stats, err := c.ServerStats(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(stats.State, stats.Nodes)
	answer, err := c.Command(ctx, "watch_summary", nil) // any command, in the order of its keys
	for _, field := range answer {
		fmt.Printf("%s=%s\n", field.Key, field.Value)
	}
	// Output:
	// standalone 5
	// num_connections=0
	// num_paths=0
	// num_total_watches=0
}
