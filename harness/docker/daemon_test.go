package docker

import (
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"

	"github.com/zookit/zookit/internal/backend"
)

func TestNoDaemon(t *testing.T) {
	c, err := client.New(client.WithHost("tcp://127.0.0.1:1"))
	require.NoError(t, err)
	d := daemon{DockerClient: &testcontainers.DockerClient{Client: c}}
	defer d.Close()
	var missing *backend.MissingError
	require.ErrorAs(t, d.check(t.Context()), &missing)
	require.Contains(t, missing.What, "a Docker daemon")
	require.Contains(t, missing.Install, "apt-get install docker.io")
}
