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
package harness
