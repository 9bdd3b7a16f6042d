package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func event(action, test, output string) string {
	return fmt.Sprintf(`{"Action":%q,"Test":%q,"Output":%q}`+"\n", action, test, output)
}

func TestTable(t *testing.T) {
	r, err := read(strings.NewReader(
		`{"Action":"attr","Test":"TestFake/3.9.5/watches/W01","Key":"zk.rule","Value":"some rule"}` + "\n" +
			event("pass", "TestFake/3.9.5/watches/W01", "") +
			event("pass", "TestFake/3.9.5/watches", "") + // a family is no case
			event("pass", "TestOther/3.9.5/watches/W09", "") +
			event("output", "TestFake/3.9.5/watches/W02", "    suite.go:7: needs an ensemble\n") +
			event("skip", "TestFake/3.9.5/watches/W02", "") +
			event("pass", "TestReal/3.9.5_of_3_members/watches/W02", "")))
	require.NoError(t, err)
	require.NoError(t, r.verdict())
	var b strings.Builder
	require.NoError(t, r.write(&b))
	for _, want := range []string{
		"| fake 3.9.5 | 1 | 1 | 0 |", "| java 3.9.5 of 3 members | 1 | 0 | 0 |", "| needs an ensemble | 1 |",
		"| case | rule | fake 3.9.5 | java 3.9.5 of 3 members |", "| W01 | some rule | + |  |", "| W02 |  | . | + |",
	} {
		require.Contains(t, b.String(), want)
	}
	require.NotContains(t, b.String(), "W09")
}

func TestFailuresAreTold(t *testing.T) {
	r, err := read(strings.NewReader(event("fail", "TestFake/3.9.5/watches/W01", "")))
	require.NoError(t, err)
	require.ErrorContains(t, r.verdict(), "watches/W01 on fake 3.9.5")
}

func TestNothingIsAnError(t *testing.T) {
	r, err := read(strings.NewReader(event("pass", "TestSomething", "")))
	require.NoError(t, err)
	require.ErrorContains(t, r.verdict(), "no case")
	r, err = read(strings.NewReader(event("pass", "TestFake/3.9.5/watches/W01", "") + `{"Action":"fail","Package":"some/package"}`))
	require.NoError(t, err)
	require.ErrorContains(t, r.verdict(), "some/package")
	_, err = read(strings.NewReader("FAIL\n"))
	require.ErrorContains(t, err, "FAIL")
}
