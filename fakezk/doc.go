// Package fakezk is a ZooKeeper server in the process of a test. It speaks the
// wire protocol of ZooKeeper 3.9, so that clients in any language use it:
//
//	zookeeper, err := fakezk.Listen() // a loopback port
//	defer zookeeper.Close()
//	connect(zookeeper.ConnectString())
//
// In a Go test, New gives one on a network in memory, which ends with the test:
//
//	zookeeper := fakezk.New(t)
//	c, err := zk.Dial(ctx, zookeeper.ConnectString(), zk.Dialer(zookeeper.DialContext))
//
// There may be any number of them; they share nothing. In a testing/synctest
// bubble all time is virtual: a session of 30 s expires in microseconds.
//
// # What it does
//
// All that a client can see of a stand-alone 3.9 server: znodes of every kind
// (ephemeral, sequential, container, TTL), sessions that expire in ticks,
// one-shot, persistent and recursive watches, multi and multiRead, ACLs
// (world, auth, digest, ip, super), quotas, four-letter words, and its answers
// to bad input. Where it differs from Apache's server, it is wrong: see
// docs/fidelity.md for what is known.
//
// # What it does not do
//
// It has one server, no TLS and no SASL, no AdminServer, and keeps nothing on
// disk.
package fakezk
