package admin_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/fakezk"
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
