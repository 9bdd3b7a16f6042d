package conformance

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// word sends a four-letter word on a connection of its own and tells of the
// answer, until the server closes:
//
//	word srvr
//	word "stmk\x00\x00\x00\x00\x00\x00\x00\x0f"
//	word ru ok                 two writes
//	word mntr only="^zk_watch" the lines that match
//	c1@leader: word srvr       of that member
//	word srvr port=tls as=client
func (r *run) word(member string, k call) error {
	port := Port(k.named["port"].text)
	if port == "" {
		port = ClientPort
	}
	time.Sleep(aside)
	nc, err := r.dialPort(member, port, k.named["as"].text)
	if err != nil {
		return err
	}
	defer nc.Close()
	all := ""
	for i, part := range k.place {
		if i > 0 {
			time.Sleep(20 * time.Millisecond) // so that they are not one segment
		}
		io.WriteString(nc, part.text) // that the server has closed shows below
		all += part.text
	}
	nc.SetReadDeadline(time.Now().Add(r.patience))
	answer, err := io.ReadAll(nc)
	open := isTimeout(err)
	if len(answer) == 0 {
		r.say("%s", map[bool]string{true: "silence", false: "CLOSED"}[open])
		return nil
	}
	names := r.names()
	names[nc.LocalAddr().String()] = "itself"
	text := r.plainWord(all, string(answer), names)
	if err := r.sayText(text, k); err != nil {
		return err
	}
	if open {
		r.say("OPEN")
	}
	return nil
}

// aside is how long a server is left to itself before it is asked about
// itself: it counts a reply, and drops a connection, after the client can see
// it.
const aside = 30 * time.Millisecond

// names are those of sessions and connections in texts.
func (r *run) names() map[string]string {
	names := map[string]string{}
	for _, s := range r.sessions {
		names[fmt.Sprintf("0x%x", uint64(s.id))] = s.name
		names[fmt.Sprint(s.id)] = s.name
	}
	for _, c := range r.opened {
		names[c.net.LocalAddr().String()] = c.name
	}
	return names
}

// sayText tells of the lines of a text, or of those that match only=; sort=1
// puts them in order, for what has none.
func (r *run) sayText(text string, k call) error {
	only, err := regexp.Compile(k.named["only"].text)
	if err != nil {
		return err
	}
	lines := slices.Collect(strings.Lines(text))
	if k.has("sort") {
		slices.Sort(lines)
	}
	for _, line := range lines {
		bare, complete := strings.CutSuffix(line, "\n")
		if !only.MatchString(bare) {
			continue
		}
		if bare = strings.ReplaceAll(bare, "\t", `\t`); bare == "" {
			bare = "(an empty line)"
		}
		if !complete {
			bare += " (no newline)"
		}
		r.say("%s", bare)
	}
	return nil
}

// A rewriting puts a word in the place of what no two servers share.
type rewriting struct {
	what *regexp.Regexp
	by   string
}

func rewrite(what, by string) rewriting { return rewriting{regexp.MustCompile(what), by} }

var anyWord = []rewriting{
	rewrite(`(?m)^Latency min/avg/max: \d+/\d+/\d+$`, `Latency min/avg/max: N/N/N`),
	rewrite(`(?m)^Latency min/avg/max: \d+/\d+\.\d+/\d+$`, `Latency min/avg/max: N/N.N/N`),
	rewrite(`(?m)^(Proposal sizes last/min/max:) [-0-9/]+$`, `$1 N/N/N`),
	rewrite(`\bqueued=\d+`, `queued=N`), // of replies that have been sent, but not yet dropped
	rewrite(`\b(est|lresp|llat|minlat|avglat|maxlat)=\d+`, `$1=N`),
}

// ofWord are those of one word.
var ofWord = map[string][]rewriting{
	"conf": {
		rewrite(`(?m)^((?:secureC|c)lientPort|electionPort|quorumPort)=\d+$`, `$1=PORT`),
		rewrite(`(?m)^(dataDir|dataLogDir)=.*`, `$1=DIR`),
		rewrite(`(?m)^(dataDirSize|dataLogSize)=\d+$`, `$1=N`),
		rewrite(`(?m)^(server\.\d+)=.*`, `$1=ADDRESSES`),
	},
	"dirs": {rewrite(`_size: \d+`, `_size: N`)},
	"envi": {rewrite(`(?m)^((?:host|java|os|user)\.[^=]*)=.*$`, `$1=V`)},
	"hash": {rewrite(`(?m)^[0-9a-f]+: \d+$`, `ZXID: DIGEST`)},
	"dump": {
		// How many buckets there are, also empty ones, is up to the clock.
		rewrite(` Sets \(\d+\)`, ` Sets (N)`),
		rewrite(`(?m)^\d+ expire at \w{3} \w{3} \d\d \d\d:\d\d:\d\d \S+ \d{4}:\n`, ``),
	},
}

var (
	address  = regexp.MustCompile(`/((?:\d+\.){3}\d+:\d+)`)
	hexID    = regexp.MustCompile(`0x[0-9a-f]+`)
	hexZxid  = regexp.MustCompile(`(Zxid: |lzxid=)(0x[0-9a-f]+)`)
	interest = regexp.MustCompile(`/(c\d+|another)\[\d\]`) // which is up to the moment
	unsorted = []string{"cons", "stat", "mntr", "wchc", "wchp", "dump"}
)

// plainWord is an answer with names for ids, relative zxids, and an order
// where a server has none.
func (r *run) plainWord(word, answer string, names map[string]string) string {
	word = word[:min(4, len(word))]
	answer = r.plainVersion(answer)
	for _, rw := range slices.Concat(anyWord, ofWord[word]) {
		answer = rw.what.ReplaceAllString(answer, rw.by)
	}
	answer = hexZxid.ReplaceAllStringFunc(answer, func(s string) string {
		part := hexZxid.FindStringSubmatch(s)
		var zxid uint64
		fmt.Sscanf(part[2], "0x%x", &zxid)
		return part[1] + r.shownZxid(int64(zxid))
	})
	answer = hexID.ReplaceAllStringFunc(answer, func(s string) string {
		if name, ok := names[s]; ok {
			return name
		}
		return s
	})
	answer = address.ReplaceAllStringFunc(answer, func(s string) string {
		if name, ok := names[s[1:]]; ok {
			return "/" + name
		}
		return "/another"
	})
	answer = interest.ReplaceAllString(answer, "/$1[N]")
	answer = strings.ReplaceAll(answer, r.root, "~")
	if slices.Contains(unsorted, word) {
		answer = sortLines(word, answer)
	}
	return answer
}

// owner is where dump begins to tell of the ephemerals of one.
var owner = regexp.MustCompile(`^\S+:\n`)

// stretch is where the first neighbours are that are inside.
func stretch(blocks []string, inside func(string) bool) (from, to int) {
	if from = slices.IndexFunc(blocks, inside); from < 0 {
		return 0, 0
	}
	for to = from; to < len(blocks) && inside(blocks[to]); to++ {
	}
	return from, to
}

var built = regexp.MustCompile(`(\d+\.\d+\.\d+)-\S*, built on \d[-/0-9: ]+ (UTC|GMT)`)

// plainVersion puts VERSION in the place of the one that the server is to have.
func (r *run) plainVersion(text string) string {
	return built.ReplaceAllStringFunc(text, func(s string) string {
		if version := built.FindStringSubmatch(s)[1]; version != r.version {
			return version + "-COMMIT, built on DATE"
		}
		return "VERSION-COMMIT, built on DATE"
	})
}

// sortLines sorts neighbours that are alike: lines that are set in, and, where
// these belong to the line above, such blocks.
func sortLines(word, text string) string {
	var blocks []string
	last := ""
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "\t") && len(blocks) > 0 && word != "mntr":
			blocks[len(blocks)-1] += line
		default:
			blocks = append(blocks, line)
		}
	}
	if n := len(blocks); n > 0 && blocks[n-1] == "\n" {
		last, blocks = "\n", blocks[:n-1]
	}
	for i, block := range blocks {
		head, rest, _ := strings.Cut(block, "\n")
		lines := slices.Sorted(strings.Lines(rest))
		blocks[i] = head + "\n" + strings.Join(lines, "")
	}
	from, to := 0, len(blocks)
	switch word {
	case "dump":
		from, to = stretch(blocks, owner.MatchString)
	case "stat":
		from, to = stretch(blocks, func(s string) bool { return strings.HasPrefix(s, " /") })
	}
	slices.Sort(blocks[from:to])
	return strings.Join(blocks, "") + last
}
