package javazk

import (
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// A reaper is a shell that outlives this process, however that ends, to kill
// the servers it was told of and remove their folder. It notices the end of
// this process by that of its input; signals that are meant for this process
// it ignores. When all goes well there is nothing left for it to do.
type reaper struct {
	p  *process
	in io.WriteCloser

	mu sync.Mutex // guards writes to in
}

const reaperScript = `trap '' INT TERM HUP QUIT
pids=
while read -r word pid; do
	case $word in
	run) pids="$pids $pid" ;;
	end) left=; for p in $pids; do [ "$p" = "$pid" ] || left="$left $p"; done; pids=$left ;;
	bye) exit 0 ;;
	esac
done
[ -z "$pids" ] || kill -9 $pids
tries=0
while [ -e "$1" ] && [ $tries -lt 50 ]; do
	rm -rf "$1"
	tries=$((tries + 1))
	sleep 0.1
done
`

// newReaper returns nil on a machine without a shell.
func newReaper(dir string) (*reaper, error) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		return nil, nil
	}
	cmd := exec.Command(sh, "-c", reaperScript, "zookit-reaper", dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	cmd.Dir = "/"
	outlive(cmd)
	p, err := startProcess(cmd, here)
	if err != nil {
		return nil, fmt.Errorf("start the reaper: %w", err)
	}
	return &reaper{p: p, in: in}, nil
}

// tell cannot fail unless somebody killed the reaper, which harms nobody yet.
func (r *reaper) tell(word string, pid int) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(r.in, word, pid)
}

// dismiss ends the reaper when nothing is left to reap.
func (r *reaper) dismiss() {
	if r == nil {
		return
	}
	r.tell("bye", 0)
	r.in.Close()
	<-r.p.ended
}
