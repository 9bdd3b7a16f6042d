package admin_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/fakezk/admin"
)

// get asks a handler, without a network.
func get(t *testing.T, s *fakezk.Server, path string) (status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	admin.Handler(s).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
	return w.Code, w.Body.String()
}

func TestEveryCommandAnswers(t *testing.T) {
	s := fakezk.New(t).Servers()[0]
	for _, name := range s.AdminCommands() {
		status, body := get(t, s, "/commands/"+name)
		if name == "snapshot" || name == "restore" {
			require.Equal(t, 401, status, name)
		} else {
			require.Equal(t, 200, status, name)
		}
		require.True(t, json.Valid([]byte(body)), "%s: %s", name, body)
		require.Contains(t, body, `"command" : "`+name+`"`)
	}
	_, body := get(t, s, "/commands/icfg")
	require.Equal(t, "{\n  \"initial_configuration\" : null,\n  \"command\" : \"initial_configuration\",\n  \"error\" : null\n}", body)
}

func TestStoppedServer(t *testing.T) {
	s := fakezk.New(t).Servers()[0]
	require.NoError(t, s.Stop())
	_, body := get(t, s, "/commands/stat")
	require.Equal(t, "{\n  \"command\" : \"stats\",\n  \"error\" : \"This ZooKeeper instance is not currently serving requests\"\n}", body)
	_, body = get(t, s, "/commands/gtmk")
	require.Contains(t, body, `"tracemask" : 306`)
}

func TestCommandURL(t *testing.T) {
	s := fakezk.New(t, fakezk.Config("admin.commandURL=/x/y", "admin.serverAddress=::1", "admin.serverPort=8081")).Servers()[0]
	require.Equal(t, fakezk.AdminSettings{Enabled: true, Addr: "[::1]:8081", CommandURL: "/x/y"}, s.AdminSettings())
	status, body := get(t, s, "/x/y")
	require.Equal(t, 200, status)
	require.Contains(t, body, "<a href=\"/x/y/ruok\">ruok</a>\n<br/>\n")
	status, _ = get(t, s, "/commands")
	require.Equal(t, 404, status)
}

func TestSettings(t *testing.T) {
	for lines, want := range map[string]fakezk.AdminSettings{
		"":                        {Addr: "127.0.0.1:8080", CommandURL: "/commands", DefaultPort: true},
		"admin.enableServer=true": {Enabled: true, Addr: "127.0.0.1:8080", CommandURL: "/commands", DefaultPort: true},
		"admin.enableServer=false\nadmin.serverPort=9":    {Addr: "127.0.0.1:9", CommandURL: "/commands"},
		"admin.serverPort=0\nadmin.serverAddress=0.0.0.0": {Enabled: true, Addr: "0.0.0.0:0", CommandURL: "/commands"},
	} {
		require.Equal(t, want, fakezk.New(t, fakezk.Config(lines)).Servers()[0].AdminSettings(), lines)
	}
	for line, want := range map[string]string{
		"admin.serverPort=x":        "want a port",
		"admin.enableServer=maybe":  "want true or false",
		"admin.forceHttps=true":     "fakezk can do nothing but false",
		"admin.portUnification=yes": "fakezk can do nothing but false",
	} {
		_, err := fakezk.Listen(fakezk.Config(line))
		require.ErrorContains(t, err, want, line)
	}
}

func TestGuardedCommands(t *testing.T) {
	s := fakezk.New(t, fakezk.SuperDigest("super:lK75jTNcA+U9vtVEw5vB51mj/w4=")).Servers()[0]
	ask := func(authorization string) int {
		return s.Admin(fakezk.AdminQuery{Command: "snapshot", Authorization: authorization}).Status
	}
	require.Equal(t, 401, ask(""))
	require.Equal(t, 503, ask("digest super:secret"))
}
