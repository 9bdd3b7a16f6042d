// Quickstart shows, on a ZooKeeper inside this process, what code on ZooKeeper
// is made of: a watch on a configuration, an ephemeral znode that dies with its
// session, and a lock that is handed over.
package main

import (
	"context"
	"fmt"
	"log"
	"path"
	"slices"
	"time"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/zk"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	start := time.Now()
	zookeeper, err := fakezk.Listen()
	if err != nil {
		return err
	}
	defer zookeeper.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	alice, err := zk.Dial(ctx, zookeeper.ConnectString())
	if err != nil {
		return err
	}
	defer alice.Close()
	bob, err := zk.Dial(ctx, zookeeper.ConnectString())
	if err != nil {
		return err
	}
	defer bob.Close()
	fmt.Printf("A ZooKeeper at %s and two clients, %v after the start.\n",
		zookeeper.ConnectString(), time.Since(start).Round(time.Microsecond))

	for _, show := range []func(context.Context, *fakezk.Ensemble, *zk.Conn, *zk.Conn) error{config, ephemeral, lock} {
		if err := show(ctx, zookeeper, alice, bob); err != nil {
			return err
		}
	}
	fmt.Printf("\nAll that in %v.\n", time.Since(start).Round(time.Millisecond))
	return nil
}

// config: Bob watches what Alice changes.
func config(ctx context.Context, _ *fakezk.Ensemble, alice, bob *zk.Conn) error {
	fmt.Println("\n1. A configuration and who watches it")
	if _, _, err := alice.Create(ctx, "/config", []byte("v1"), zk.Persistent); err != nil {
		return err
	}
	data, _, watch, err := bob.GetW(ctx, "/config")
	if err != nil {
		return err
	}
	fmt.Printf("   bob reads %q\n", data)
	if _, err := alice.Set(ctx, "/config", []byte("v2"), 0); err != nil {
		return err
	}
	event := <-watch.C
	data, stat, err := bob.Get(ctx, "/config")
	if err != nil {
		return err
	}
	fmt.Printf("   bob is told: %v %s, and reads %q, version %d\n", event.Type, event.Path, data, stat.Version)
	return nil
}

// ephemeral: Alice's znode goes when her session expires.
func ephemeral(ctx context.Context, zookeeper *fakezk.Ensemble, alice, bob *zk.Conn) error {
	fmt.Println("\n2. An ephemeral znode that dies with its session")
	if _, _, err := alice.Create(ctx, "/alice-is-here", nil, zk.Ephemeral); err != nil {
		return err
	}
	_, there, watch, err := bob.ExistsW(ctx, "/alice-is-here")
	if err != nil {
		return err
	}
	fmt.Printf("   bob sees /alice-is-here: %v\n", there)
	session := alice.Session()
	if err := zookeeper.Expire(session.ID()); err != nil {
		return err
	}
	event := <-watch.C
	fmt.Printf("   alice's session expires; bob is told: %v %s\n", event.Type, event.Path)
	<-session.Context().Done()
	fmt.Printf("   alice is told: %v\n", context.Cause(session.Context()))
	_, err = alice.WaitState(ctx, zk.Connected)
	return err
}

// lock: whoever has the lowest sequence number holds it; the next one waits
// for that znode to go. (Package recipes is to have locks ready made.)
func lock(ctx context.Context, _ *fakezk.Ensemble, alice, bob *zk.Conn) error {
	fmt.Println("\n3. A lock that is handed over")
	if _, _, err := alice.Create(ctx, "/lock", nil, zk.Container); err != nil {
		return err
	}
	held, _, err := alice.Create(ctx, "/lock/n-", nil, zk.EphemeralSequential)
	if err != nil {
		return err
	}
	fmt.Printf("   alice holds the lock as %s\n", held)
	mine, _, err := bob.Create(ctx, "/lock/n-", nil, zk.EphemeralSequential)
	if err != nil {
		return err
	}
	contenders, _, err := bob.Children(ctx, "/lock")
	if err != nil {
		return err
	}
	slices.Sort(contenders)
	_, _, watch, err := bob.ExistsW(ctx, path.Join("/lock", contenders[0]))
	if err != nil {
		return err
	}
	fmt.Printf("   bob waits as %s behind %s\n", mine, contenders[0])
	if err := alice.Delete(ctx, held, zk.AnyVersion); err != nil {
		return err
	}
	<-watch.C
	fmt.Printf("   alice unlocks, and bob holds the lock\n")
	return nil
}
