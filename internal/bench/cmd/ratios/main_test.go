package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRatios(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(strings.NewReader(`goos: linux
BenchmarkBeside/op=Get/callers=1/client=zookit-2         	    1621	     6000 ns/op	     113 B/op	       1 allocs/op
BenchmarkBeside/op=Get/callers=1/client=go-zookeeper-2   	     261	     12000 ns/op	     801 B/op	      14 allocs/op
BenchmarkBeside/op=Get/callers=1/client=zookit-2         	    1621	     5000 ns/op	     113 B/op	       1 allocs/op
BenchmarkBeside/op=Get/callers=1/client=go-zookeeper-2   	     261	     1.2e+04 ns/op	     801 B/op	      14 allocs/op
BenchmarkBeside/op=Get/callers=1/client=zookit-2         	    1621	     9000 ns/op	     113 B/op	       1 allocs/op
BenchmarkBeside/op=Create+Delete/callers=64/client=zookit	    1621	     1000 ns/op	     113 B/op	       4 allocs/op
BenchmarkBeside/op=Create+Delete/callers=64/client=go-zookeeper	    1621	     4000 ns/op	     113 B/op	       25 allocs/op
`), &out))
	require.Equal(t, `| operation | callers | zk, µs | go-zookeeper, µs | throughput, times | allocations, zk | go-zookeeper |
|---|---|---|---|---|---|---|
| Get | 1 | 6.00 | 12.00 | **2.0** | 1 | 14 |
| Create + Delete | 64 | 1.00 | 4.00 | **4.0** | 4 | 25 |
`, out.String())
	require.Error(t, run(strings.NewReader("PASS"), &out))
}
