package zk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{
		"3.9.5-293c895a, built on 2026-02-11 20:18 UTC":          {3, 9, 5, "293c895a"},
		"3.6.4--d65253dc, built on 12/18/2022 18:10 GMT":         {3, 6, 4, "d65253dc"},
		"3.4.14-4c25d480e66aadd371de8bd2fd8da255ac140bcf, built": {3, 4, 14, "4c25d480e66aadd371de8bd2fd8da255ac140bcf"},
		"3.10.0-SNAPSHOT-abc":                                    {3, 10, 0, "SNAPSHOT-abc"},
		"3.8.0":                                                  {3, 8, 0, ""},
		" 3.5\n":                                                 {3, 5, 0, ""},
		"3.8.4.2-vendor":                                         {3, 8, 4, ".2-vendor"},
		"3.5.7.":                                                 {3, 5, 7, "."},
		"3.4.5.1392090, built on 09":                             {3, 4, 5, ".1392090"},
	} {
		got, err := ParseVersion(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "3", "3.", ".", "a.b", "v3.9.5", "3.9999999999", "unknown, built on", "-1.2"} {
		got, err := ParseVersion(text)
		require.Error(t, err, text)
		require.Zero(t, got)
	}
}

func TestCompareVersions(t *testing.T) {
	v := Version{3, 9, 5, "x"}
	require.True(t, v.AtLeast(3, 9, 5))
	require.True(t, v.AtLeast(3, 8, 9))
	require.False(t, v.AtLeast(3, 10, 0), "numbers, not texts")
	require.False(t, v.AtLeast(4, 0, 0))
	require.Zero(t, v.Compare(Version{3, 9, 5, "y"}))
	require.Equal(t, -1, v.Compare(Version{3, 10, 0, ""}))
	require.Equal(t, 1, v.Compare(Version{3, 9, 4, ""}))
	require.Equal(t, "3.9.5", v.String())
}

func FuzzParseVersion(f *testing.F) {
	f.Add("3.9.5-293c895a, built on 2026-02-11 20:18 UTC")
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := ParseVersion(text); err == nil {
			again, err := ParseVersion(v.String())
			require.NoError(t, err)
			require.Zero(t, v.Compare(again))
		}
	})
}
