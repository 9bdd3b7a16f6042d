// Package conformance tells whether a server answers as ZooKeeper 3.9 does.
//
// Its cases are programs of requests in a small language, with what a real
// server answered below each step (folder cases). Run against another server,
// a program has to give the same transcript: the same replies, events and ends
// of connections, byte for byte but for what no two servers share (ids of
// sessions, passwords, clocks) and for the order of lists that have none.
package conformance
