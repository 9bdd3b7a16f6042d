package docker_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness/docker"
	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/testenv"
)

// From nothing until all members serve.
func BenchmarkDockerBoot(b *testing.B) {
	for _, servers := range []int{1, 3} {
		b.Run(fmt.Sprintf("members=%d", servers), func(b *testing.B) {
			for b.Loop() {
				c, err := docker.Start(b.Context(), backend.Spec{Servers: servers})
				if missing, ok := errors.AsType[*backend.MissingError](err); ok {
					testenv.Missing(b, missing.What, missing.Install)
				}
				require.NoError(b, err)
				b.StopTimer()
				require.NoError(b, c.Close())
				b.StartTimer()
			}
		})
	}
}
