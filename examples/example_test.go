package examples_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/zk"
)

// start gives an example a ZooKeeper and a client.
func start() (zookeeper *fakezk.Ensemble, c *zk.Conn, stop func()) {
	zookeeper, err := fakezk.Listen()
	if err != nil {
		log.Fatal(err)
	}
	c, err = zk.Dial(context.Background(), zookeeper.ConnectString())
	if err != nil {
		log.Fatal(err)
	}
	return zookeeper, c, func() {
		c.Close()
		zookeeper.Close()
	}
}

// A znode's life.
func Example() {
	ctx := context.Background()
	_, c, stop := start()
	defer stop()

	path, _, err := c.Create(ctx, "/config", []byte("v1"), zk.Persistent)
	fmt.Println(path, err)
	stat, err := c.Set(ctx, "/config", []byte("v2"), 0)
	fmt.Println("version", stat.Version, err)
	data, _, err := c.Get(ctx, "/config")
	fmt.Printf("%s %v\n", data, err)
	fmt.Println(c.Delete(ctx, "/config", stat.Version))

	_, _, err = c.Get(ctx, "/config")
	fmt.Println(err)
	fmt.Println(errors.Is(err, zk.ErrNoNode), errors.Is(err, fs.ErrNotExist))
	// Output:
	// /config <nil>
	// version 1 <nil>
	// v2 <nil>
	// <nil>
	// zk: get /config: node does not exist
	// true true
}

// A one-shot watch, and the session that it must be watched against.
func Example_watch() {
	ctx := context.Background()
	_, c, stop := start()
	defer stop()

	_, there, watch, err := c.ExistsW(ctx, "/ready")
	fmt.Println(there, err)
	c.Create(ctx, "/ready", nil, zk.Persistent)
	select {
	case event := <-watch.C:
		fmt.Println(event.Type, event.Path)
	case <-c.Session().Context().Done():
		fmt.Println("session lost")
	}
	// Output:
	// false <nil>
	// NodeCreated /ready
}

// A persistent watch on all below a znode.
func Example_persistentWatch() {
	ctx := context.Background()
	_, c, stop := start()
	defer stop()

	watch, err := c.AddWatch(ctx, "/app", zk.WatchRecursive)
	if err != nil {
		log.Fatal(err)
	}
	defer watch.Close()
	c.Create(ctx, "/app", nil, zk.Persistent)
	c.Create(ctx, "/app/a", nil, zk.Persistent)
	c.Set(ctx, "/app/a", []byte("x"), zk.AnyVersion)
	c.Delete(ctx, "/app/a", zk.AnyVersion)
	for event, err := range watch.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Type, event.Path)
		if event.Type == zk.EventNodeDeleted {
			break
		}
	}
	// Output:
	// NodeCreated /app
	// NodeCreated /app/a
	// NodeDataChanged /app/a
	// NodeDeleted /app/a
}

// All operations of a multi are done, or none.
func Example_multi() {
	ctx := context.Background()
	_, c, stop := start()
	defer stop()

	results, err := c.Multi(ctx,
		zk.CreateOp("/queue", nil, zk.Persistent),
		zk.CreateOp("/queue/item-", []byte("1"), zk.PersistentSequential),
		zk.CheckOp("/queue", 0),
	)
	fmt.Println(results[1].Path, err)
	_, err = c.Multi(ctx,
		zk.DeleteOp("/queue/item-0000000000", zk.AnyVersion),
		zk.CheckOp("/queue", 7),
	)
	fmt.Println(errors.Is(err, zk.ErrBadVersion))
	names, _, err := c.Children(ctx, "/queue")
	fmt.Println(names, err)
	// Output:
	// /queue/item-0000000000 <nil>
	// true
	// [item-0000000000] <nil>
}

// An ephemeral znode goes with its session.
func Example_expiry() {
	ctx := context.Background()
	zookeeper, c, stop := start()
	defer stop()

	c.Create(ctx, "/me", nil, zk.Ephemeral)
	session := c.Session()
	zookeeper.Expire(session.ID()) // as if the client had been silent for too long
	<-session.Context().Done()
	fmt.Println(context.Cause(session.Context()))

	c.WaitState(ctx, zk.Connected) // the client has begun another session
	_, there, err := c.Exists(ctx, "/me")
	fmt.Println(there, err)
	// Output:
	// session expired
	// false <nil>
}

// A fixture that many tests start from.
func Example_snapshot() {
	ctx := context.Background()
	zookeeper, c, stop := start()
	defer stop()

	c.Create(ctx, "/users", nil, zk.Persistent)
	c.Create(ctx, "/users/ann", nil, zk.Persistent)
	fixture := zookeeper.Snapshot()
	c.Delete(ctx, "/users/ann", zk.AnyVersion)
	zookeeper.Restore(fixture)
	for path := range zookeeper.Tree() {
		fmt.Println(path)
	}
	// Output:
	// /
	// /users
	// /users/ann
	// /zookeeper
	// /zookeeper/config
	// /zookeeper/quota
}

// A server for programs in any language.
func Example_listen() {
	zookeeper, err := fakezk.Listen()
	if err != nil {
		log.Fatal(err)
	}
	defer zookeeper.Close()
	os.Setenv("ZK_HOSTS", zookeeper.ConnectString())
}
