package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// opGetConfig stands for a getData of the configuration among requests.
const opGetConfig proto.Op = -1001

const configPath = "/zookeeper/config"

var (
	configMember = regexp.MustCompile(`^server\.(\d+)=[^;]*?:(participant|observer)(;.*)?$`)
	configLength = regexp.MustCompile(`\bdl\d+\b`)
)

// config tells of the configuration and its Stat: of members by their roles in
// the case, without addresses, and of the version as a zxid. "getConfig" and
// "reconfig" answer it.
func (r *teller) config(rd *jute.Reader) string {
	text := string(rd.Buffer())
	if rd.Err() != nil {
		return ""
	}
	stat := r.stat(rd)
	if text == "" {
		return `"" ` + stat
	}
	var members, others []string
	for line := range strings.SplitSeq(text, "\n") {
		switch m := configMember.FindStringSubmatch(line); {
		case m != nil && m[3] != "":
			members = append(members, r.role(m[1])+":"+m[2])
		case m != nil:
			members = append(members, r.role(m[1])+":"+m[2]+" without a port")
		case strings.HasPrefix(line, "version="):
			zxid, _ := strconv.ParseInt(line[len("version="):], 16, 64)
			others = append(others, "version="+r.shownZxid(zxid))
		default:
			others = append(others, line)
		}
	}
	slices.Sort(members) // they have no order
	return fmt.Sprintf("%s %s", strings.Join(slices.Concat(members, others), " "), stat)
}

// role is what steps call the member with an id, which counts from 1.
func (r *teller) role(id string) string {
	for role, i := range r.roles {
		if strconv.Itoa(i+1) == id {
			return role
		}
	}
	return "server." + id
}

// ids puts ids in the place of roles: "@f1,@leader".
func (r *teller) ids(text string) string {
	for role, i := range r.roles {
		text = strings.ReplaceAll(text, "@"+role, strconv.Itoa(i+1))
	}
	return text
}
