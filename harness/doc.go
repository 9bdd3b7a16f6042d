// Package harness gives a test a ZooKeeper of its own:
//
//	func TestMyService(t *testing.T) {
//		e := harness.New(t) // gone when the test ends
//		c := e.Connect()    // a connected client
//		_, _, err := c.Create(t.Context(), "/config", []byte("v1"), zk.Persistent)
//		require.NoError(t, err)
//	}
//
// It is the fake of package fakezk on a network in memory, which takes
// microseconds and nothing but Go; tests run in parallel, each with its own.
// Code under test that dials by itself is given Ensemble.ConnectString and
// Ensemble.DialContext, or TCP for a real port. In a testing/synctest bubble
// all time is virtual.
//
// When the test ends, whatever the code under test has left behind is an
// error: sessions that it has not closed, persistent watches that it has not
// removed, goroutines that it has not ended. See Leaks.
//
// # The same test on real servers
//
// The environment chooses what runs behind the same test, and an option in
// code ([Fake], [Java], [Docker], [External]) does the same and wins:
//
//	ZK_HARNESS=fake      the default
//	ZK_HARNESS=java      real servers, each a process on this machine
//	ZK_HARNESS=docker    real servers in containers; the test imports harness/docker
//	ZK_HARNESS=external  ZK_HOSTS=host:port,... that somebody else runs
//
// A test is skipped when its backend cannot run here, with what to install.
// With ZK_HARNESS_REQUIRE=1 or CI=true it fails. It is also skipped when it
// asks for what its backend does not have, such as three members of the fake:
//
//	                             fake  java, docker  external
//	Servers(3), Observers          -        x          if it has as many
//	Config, JVMFlags, Reconfig,
//	ReadOnly, SuperUser            x        x          -
//	Version                        x        x          -
//	TLS, User                      x        x          -
//	AdminServer                    -        x          -
//	Server.Stop, Kill, Start       x        x          -
//	Server.Pause, Resume           -        x          -
//	Partition                      -        x          -
//	Snapshot, Restore, Fake        x        fails      fails
//	a synctest bubble              x        -          -
//
// All else is the same on each: clients and their links, assertions, Expire
// and Cut of any session, leaks.
//
// Before each real server stands a listener of the harness's own, which
// forwards to it, and sees which sessions and watches there are. So sessions
// and watches are those of clients that come this way; those that talk TLS
// show little of themselves. Assertions look as a client that is the super
// user, past those listeners.
package harness
