// Package docker lets the harness run its ensembles in Docker containers. A
// blank import links it in:
//
//	import _ "github.com/zookit/zookit/harness/docker"
//
// The image is zookeeper:3.9, or the tag that begins with the version that is
// asked for. ZK_DOCKER_IMAGE names another one that honours the contract of the
// official image; if it comes with a tag, that wins. An image that is not on
// the machine is pulled.
//
// Clients reach each member by ports that are published, on the loopback
// interface where the daemon is on this machine. Members reach each other by a
// network of their own, from which a partition disconnects them.
//
// Containers, networks and volumes are gone when the ensemble is closed. Those
// of a process that was killed are removed by testcontainers' reaper, or, where
// TESTCONTAINERS_RYUK_DISABLED=true, by the next ensemble that starts on the
// same machine.
package docker

import "github.com/zookit/zookit/internal/backend"

func init() { backend.Register("docker", Start) }
