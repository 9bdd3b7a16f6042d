package zk_test

import (
	"context"
	"fmt"
	"log"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/zk"
)

// Calls that do not wait travel together, in the order in which they are made.
func ExampleConn_Async() {
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

	async := c.Async()
	var made []*zk.Future[zk.Created]
	for range 3 {
		made = append(made, async.Create("/job-", nil, zk.PersistentSequential))
	}
	names := async.ChildNames("/") // sees what was created before
	for _, f := range made {
		created, err := f.Wait(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(created.Path)
	}
	all, err := names.Wait(ctx)
	fmt.Println(len(all), err) // and /zookeeper
	// Output:
	// /job-0000000000
	// /job-0000000001
	// /job-0000000002
	// 4 <nil>
}

// A transaction happens as a whole or not at all, and each result says what
// became of its operation.
func ExampleConn_Txn() {
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

	tx := c.Txn()
	tx.Create("/jobs", nil, zk.Persistent)
	job := tx.Create("/jobs/j-", []byte("work"), zk.PersistentSequential)
	fmt.Println(tx.Commit(ctx))
	fmt.Println(job.Path, job.Err)

	tx = c.Txn()
	done := tx.Create("/done", nil, zk.Persistent)
	tx.Delete("/jobs/none", zk.AnyVersion)
	fmt.Println(tx.Commit(ctx))
	fmt.Println(done.Err)
	// Output:
	// <nil>
	// /jobs/j-0000000000 <nil>
	// zk: multi: operation 1: delete /jobs/none: node does not exist
	// zk: create /done: rolled back: a later operation of the multi failed
}
