// Package peers holds tests only: clients that nobody here wrote drive the
// fake. kazoo, Apache's C client and go-zookeeper go through the same steps,
// each of them against a server of its own on a loopback port.
package peers
