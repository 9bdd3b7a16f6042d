package fakezk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseRelease(t *testing.T) {
	for text, want := range map[string]release{
		"3.4.0": {4, 0}, "3.4": {4, 14}, "3.5.10": {5, 10}, "3.8": {8, 6}, "3.8.4": {8, 4}, "3.9.5": {9, 5}, "3.9": newest,
	} {
		got, err := parseRelease(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"", "3", "3.", "3.3", "3.3.6", "3.10", "3.9.6", "3.4.15", "2.8", "4.8", "3.8.4.1", "3.8.x", "3.08", "3.8.-1", "3.-8", "v3.8", "3.8.4 ", "+3.8",
	} {
		_, err := parseRelease(text)
		require.ErrorContains(t, err, "3.4.0 to 3.4.14, 3.5.0 to 3.5.10", "%q", text)
	}
	_, err := Listen(Version("3.3.6"))
	require.ErrorContains(t, err, `version "3.3.6"`)
}

func TestReleaseHas(t *testing.T) {
	backported := []release{{8, 4}, {9, 2}}
	for _, r := range []release{{8, 4}, {8, 6}, {9, 2}, {9, 5}} {
		require.True(t, r.has(backported...), r)
	}
	for _, r := range []release{{4, 14}, {7, 2}, {8, 3}, {9, 0}, {9, 1}} {
		require.False(t, r.has(backported...), r)
	}
	require.True(t, release{6, 0}.has(release{5, 4}))
	require.False(t, release{4, 14}.has(release{5, 4}))
}

// TestNewestHasNoQuirks is why the zero value of quirks is the newest release.
func TestNewestHasNoQuirks(t *testing.T) {
	require.Equal(t, quirks{}, quirksOf(newest))
}

// TestEveryReleaseHasItsQuirks holds what was not recorded to the rule that a
// line loses quirks as it grows older, and gains none.
func TestEveryReleaseHasItsQuirks(t *testing.T) {
	for line, last := range lastOfLine {
		for patch := range last {
			older, newer := quirksOf(release{line, patch}), quirksOf(release{line, patch + 1})
			require.GreaterOrEqual(t, len(older.lacks), len(newer.lacks))
			require.GreaterOrEqual(t, older.fewerFlags, newer.fewerFlags)
			require.True(t, older.watchedByAll || !newer.watchedByAll)
			require.True(t, older.checkAlone || !newer.checkAlone)
			require.True(t, older.multiUnjudged || !newer.multiUnjudged)
		}
	}
}

// TestFeatures turns on what the release does not know.
func TestFeatures(t *testing.T) {
	lines := Config("enforceQuota=true", "maxCnxns=3", "enforce.auth.enabled=true", "extendedTypesEnabled=true")
	c, err := newConfig([]Option{Version("3.5.10"), lines})
	require.NoError(t, err) // though there are no schemes to enforce
	require.False(t, c.enforceQuota)
	require.Zero(t, c.maxConns)
	require.Empty(t, c.enforceAuth)
	require.True(t, c.extendedTypes)
	require.Equal(t, []string{
		"enforceQuota is not known to ZooKeeper 3.5.10, and has no effect",
		"enforce.auth is not known to ZooKeeper 3.5.10, and has no effect",
		"maxCnxns is not known to ZooKeeper 3.5.10, and has no effect",
	}, c.warnings)

	_, err = newConfig([]Option{Version("3.7"), lines})
	require.ErrorContains(t, err, "enforce.auth.schemes is not set")

	c, err = newConfig([]Option{lines, Version("3.5.3")}) // in any order
	require.NoError(t, err)
	require.True(t, c.extendedTypes, "TTL nodes came before the switch")
}
