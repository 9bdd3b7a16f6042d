package zk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuotaText(t *testing.T) {
	for text, q := range map[string]Quota{
		"count=5,bytes=-1":   {Count: 5},
		"count=-1,bytes=100": {Bytes: 100},
		"count=-1,bytes=-1":  {},
		"count=-1,bytes=-1=;byteHardLimit=7;countHardLimit=-1": {BytesHard: 7},
		"count=1,bytes=2=;byteHardLimit=3;countHardLimit=4":    {1, 2, 4, 3},
	} {
		require.Equal(t, text, q.String())
		require.Equal(t, q, parseQuota(text))
	}
	for text, q := range map[string]Quota{
		"": {}, "nonsense": {}, "count=x,bytes=3": {Bytes: 3}, "bytes=3;count=9": {Count: 9, Bytes: 3},
		"count=,bytes==": {}, "count=-9223372036854775808": {},
	} {
		require.Equal(t, q, parseQuota(text), text)
	}
}
