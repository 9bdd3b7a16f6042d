package examples_test

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

// The tests of the README, as they stand there.

func TestMyService(t *testing.T) {
	e := harness.New(t) // a ZooKeeper of the test's own, gone when the test ends
	c := e.Connect()    // a connected client
	_, _, err := c.Create(t.Context(), "/config", []byte("v1"), zk.Persistent)
	require.NoError(t, err)
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := harness.New(t)
		worker, observer := e.Connect(zk.SessionTimeout(30*time.Second)), e.Connect()
		_, _, err := worker.Create(t.Context(), "/worker", nil, zk.Ephemeral)
		require.NoError(t, err)
		_, _, gone, err := observer.ExistsW(t.Context(), "/worker")
		require.NoError(t, err)

		worker.Cut()                        // 30 s of silence ...
		<-worker.Session().Context().Done() // ... and the worker knows that it is out
		<-gone.C                            // 3 s later, at the end of a tick, so does everybody else
	})
}

func TestFailover(t *testing.T) {
	e := harness.New(t, harness.Java(), harness.Servers(3), harness.Version("3.9"))
	c := e.Connect()
	_, _, err := c.Create(t.Context(), "/worker", nil, zk.Ephemeral)
	require.NoError(t, err)

	e.Leader(t.Context()).Kill() // the others elect another,
	e.AwaitNode("/worker")       // and sessions live on, with their ephemerals
}

// The README and this file must not part.
func TestReadmeIsAsItIsTested(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("readme_test.go")
	require.NoError(t, err)
	for _, name := range []string{"TestMyService", "TestExpiry", "TestFailover"} {
		require.Equal(t, function(t, string(source), name), function(t, string(readme), name))
	}
}

// function is the text of a function, but for how its comments are aligned.
func function(t *testing.T, text, name string) string {
	start := strings.Index(text, "func "+name+"(")
	require.GreaterOrEqual(t, start, 0, name)
	end := strings.Index(text[start:], "\n}\n")
	require.Positive(t, end, name)
	return strings.Join(strings.Fields(text[start:start+end]), " ")
}
