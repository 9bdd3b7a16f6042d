package backend

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJAASQuotes(t *testing.T) {
	require.Contains(t, JAAS(map[string]string{"bob": `se"cr\et`, "al": "x"}),
		"required\n\tuser_al=\"x\"\n\tuser_bob=\"se\\\"cr\\\\et\";")
}

func TestUsersThatAFileCannotHave(t *testing.T) {
	for _, users := range []map[string]string{{"a b": "x"}, {"bob": "a\nb"}, {"bob": "${user.home}"}, {"": "x"}} {
		require.Error(t, CheckUsers(users), "%v", users)
	}
	require.NoError(t, CheckUsers(map[string]string{"bob.b-1_$": "se cret{}$"}))
}
