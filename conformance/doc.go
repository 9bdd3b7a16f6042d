// Package conformance tells whether a server answers as ZooKeeper does.
//
// Its cases are programs of requests in a small language, with what real
// servers of several releases answered below each step (folder cases). Run
// against another server, a program has to give the same transcript: the same
// replies, events and ends of connections, byte for byte but for what no two
// servers share (ids of sessions, passwords, clocks) and for the order of lists
// that have none.
//
// Diff draws such programs, and plays them on two servers at once. A Proxy
// compares two servers under any client.
package conformance
