// Ratios turns what BenchmarkBeside prints, of one run or several, into a table
// of medians: ratios < beside.out
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
}

// A row is one operation with one number of callers.
type row struct{ op, callers string }

// samples are the figures of one client, by their unit.
type samples map[string][]float64

var (
	line   = regexp.MustCompile(`^BenchmarkBeside/op=(\S+)/callers=(\d+)/client=(\S+?)(-\d+)?\s+\d+\s+(.*)$`)
	figure = regexp.MustCompile(`([0-9.e+]+) (\S+)`)
)

func run(in io.Reader, out io.Writer) error {
	var rows []row // in the order in which they come
	of := map[row]map[string]samples{}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		m := line.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		r := row{m[1], m[2]}
		if of[r] == nil {
			rows = append(rows, r)
			of[r] = map[string]samples{}
		}
		if of[r][m[3]] == nil {
			of[r][m[3]] = samples{}
		}
		for _, f := range figure.FindAllStringSubmatch(m[5], -1) {
			v, err := strconv.ParseFloat(f[1], 64)
			if err != nil {
				return err
			}
			of[r][m[3]][f[2]] = append(of[r][m[3]][f[2]], v)
		}
	}
	if len(rows) == 0 {
		return fmt.Errorf("no line of BenchmarkBeside")
	}
	fmt.Fprintln(out, "| operation | callers | zk, µs | go-zookeeper, µs | throughput, times | allocations, zk | go-zookeeper |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|")
	for _, r := range rows {
		ours, theirs := of[r]["zookit"], of[r]["go-zookeeper"]
		a, b := ours.median("ns/op")/1000, theirs.median("ns/op")/1000
		fmt.Fprintf(out, "| %s | %s | %.2f | %.2f | **%.1f** | %.0f | %.0f |\n", strings.ReplaceAll(r.op, "+", " + "),
			r.callers, a, b, b/a, ours.median("allocs/op"), theirs.median("allocs/op"))
	}
	return nil
}

// median is 0 if there are none.
func (s samples) median(unit string) float64 {
	v := slices.Sorted(slices.Values(s[unit]))
	if len(v) == 0 {
		return 0
	}
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
}
