package docker_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness/docker"
	"github.com/zookit/zookit/internal/backend"
)

const childEnv = "ZOOKIT_DOCKER_TEST_CHILD"

// What a killed process leaves behind the next ensemble removes.
func TestDockerSweepsLeftovers(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		_, err := docker.Start(t.Context(), backend.Spec{Servers: 2})
		require.NoError(t, err)
		os.Stdout.WriteString("\nowner: " + docker.Self() + "\n")
		select {} // until it is killed
	}
	start(t, backend.Spec{Servers: 1}) // or there is no Docker, and the test is skipped

	child := exec.Command(os.Args[0], "-test.run=^TestDockerSweepsLeftovers$")
	child.Env = append(os.Environ(), childEnv+"=1")
	child.Stderr = t.Output()
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	owner := ""
	for lines := bufio.NewScanner(out); owner == "" && lines.Scan(); {
		owner, _ = strings.CutPrefix(lines.Text(), "owner: ")
		if owner == lines.Text() {
			owner = ""
		}
	}
	require.NoError(t, child.Process.Kill())
	child.Wait()
	require.NotEmpty(t, owner, "the child has started")
	require.Contains(t, strings.Join(left(t, owner), "\n"), "container ")

	start(t, backend.Spec{Servers: 1})
	// Another process that starts an ensemble just now may be at it, too.
	await(t, "all of the child is gone", func() bool { return len(left(t, owner)) == 0 })
	require.NotEmpty(t, left(t, docker.Self()), "what is ours stays")
}

func TestDockerMissingImage(t *testing.T) {
	start(t, backend.Spec{Servers: 1}) // or there is no Docker, and the test is skipped
	t.Setenv("ZK_DOCKER_IMAGE", "127.0.0.1:1/no/such/image")
	_, err := startWithin(t, bootTime, backend.Spec{Servers: 1})
	missing, ok := errors.AsType[*backend.MissingError](err)
	require.True(t, ok, "%v", err)
	require.Contains(t, missing.What, "127.0.0.1:1/no/such/image:3.9")
	require.Contains(t, missing.Install, "docker pull")
}
