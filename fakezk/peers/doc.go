// Package peers holds tests only: clients that nobody here wrote drive the
// fake. kazoo, Apache's C client and go-zookeeper go through the same steps,
// each of them against a server of its own on a loopback port. The tests that
// kazoo and aiozk have of their own have to end on the fake as on a real
// server; of kazoo's, those are skipped that need more than one server which
// stands alone.
package peers
