package zk_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/zk"
)

func Example() {
	server, err := fakezk.Listen() // any ZooKeeper will do
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	ctx := context.Background()
	c, err := zk.Dial(ctx, server.ConnectString())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	if _, _, err := c.Create(ctx, "/config", []byte("v1"), zk.Persistent); err != nil {
		log.Fatal(err)
	}
	data, stat, changed, err := c.GetW(ctx, "/config")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, version %d\n", data, stat.Version)

	if _, err := c.Set(ctx, "/config", []byte("v2"), stat.Version); err != nil {
		log.Fatal(err)
	}
	event := <-changed.C
	fmt.Println(event.Type, event.Path)

	_, _, err = c.Get(ctx, "/missing")
	fmt.Println(err)
	fmt.Println(errors.Is(err, zk.ErrNoNode), errors.Is(err, fs.ErrNotExist))
	// Output:
	// v1, version 0
	// NodeDataChanged /config
	// zk: get /missing: node does not exist
	// true true
}

// A persistent watch is armed before the node is read, so that no change is
// missed, and the node is read again after a reconnect.
func ExampleConn_AddWatch() {
	server, err := fakezk.Listen()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	c, err := zk.Dial(ctx, server.ConnectString())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	w, err := c.AddWatch(ctx, "/", zk.WatchRecursive)
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range []string{"/a", "/a/b"} {
		if _, _, err := c.Create(ctx, path, nil, zk.Persistent); err != nil {
			log.Fatal(err)
		}
	}
	n := 0
	for event, err := range w.Events(ctx) {
		if err != nil {
			log.Fatal(err) // the session is lost
		}
		switch event.Type {
		case zk.EventDisconnected: // what follows may be missed
		case zk.EventResync: // read all again
		default:
			fmt.Println(event.Type, event.Path)
			n++
		}
		if n == 2 {
			break
		}
	}
	// Output:
	// NodeCreated /a
	// NodeCreated /a/b
}

// All or nothing, and which operation it was that failed.
func ExampleConn_Multi() {
	server, err := fakezk.Listen()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	c, err := zk.Dial(ctx, server.ConnectString())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	_, err = c.Multi(ctx,
		zk.CreateOp("/a", nil, zk.Persistent),
		zk.SetOp("/a", []byte("data"), 7),
	)
	fmt.Println(err)
	if failed, ok := errors.AsType[*zk.MultiError](err); ok {
		fmt.Println(failed.Index, errors.Is(err, zk.ErrBadVersion))
	}
	// Output:
	// zk: multi: operation 1: set /a: version does not match
	// 1 true
}

// A user logs in on each connection, and ACLs name it by the scheme "sasl".
func ExampleSASL() {
	server, err := fakezk.Listen(fakezk.SASL(map[string]string{"bob": "secret"}))
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	c, err := zk.Dial(ctx, server.ConnectString(), zk.SASL(zk.DigestMD5("bob", "secret")))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, _, err := c.Create(ctx, "/bobs", nil, zk.Persistent, zk.AuthACL(zk.PermAll)); err != nil {
		log.Fatal(err)
	}
	acl, _, err := c.ACL(ctx, "/bobs")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(acl[0].Scheme, acl[0].ID)

	_, err = zk.Dial(ctx, server.ConnectString(), zk.SASL(zk.DigestMD5("bob", "guess")))
	fmt.Println(errors.Is(err, zk.ErrAuthFailed))
	// Output:
	// sasl bob
	// true
}
