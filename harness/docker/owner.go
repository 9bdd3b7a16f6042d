package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// The labels of containers and networks.
const (
	ownerLabel    = "zookit.owner"    // the process that made it
	ensembleLabel = "zookit.ensemble" // which of its ensembles it belongs to
)

func (c *cluster) labels() map[string]string {
	return map[string]string{ownerLabel: self().String(), ensembleLabel: c.id}
}

// An owner is a process, told from all before and after it and on other
// machines as far as the system lets us.
type owner struct {
	machine string // and the container that the process itself is in
	pid     int
	start   string // "" where it is not known
}

func self() owner { return owner{machine(), os.Getpid(), startOf(os.Getpid())} }

func (o owner) String() string { return fmt.Sprintf("%s %d %s", o.machine, o.pid, o.start) }

func parseOwner(s string) (o owner, ok bool) {
	fields := strings.Split(s, " ")
	if len(fields) != 3 {
		return owner{}, false
	}
	pid, err := strconv.Atoi(fields[1])
	return owner{fields[0], pid, fields[2]}, err == nil && pid > 0
}

// gone is certain: a process of this machine that does not run any more.
func (o owner) gone() bool {
	if o.machine != machine() {
		return false
	}
	if p, err := os.FindProcess(o.pid); err != nil || errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) {
		return true
	}
	return o.start != startOf(o.pid)
}

// machine is the boot of the machine and the space that process ids are of,
// or the name of the machine where there is no /proc.
func machine() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, err2 := os.Readlink("/proc/self/ns/pid")
	if err != nil || err2 != nil {
		host, _ := os.Hostname()
		return strings.ReplaceAll(host, " ", "-")
	}
	return strings.TrimSpace(string(boot)) + "/" + space
}

// startOf is the time when a process began, field 22 of its stat.
func startOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name, in parentheses, may have spaces; field 3 comes behind it.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return ""
	}
	return string(fields[19])
}

// sweep removes what processes have left that were killed.
func (d daemon) sweep(ctx context.Context) error {
	return d.removeLabelled(ctx, ownerLabel, func(owner string) bool {
		o, ok := parseOwner(owner)
		return ok && o.gone()
	})
}

// removeLabelled removes containers with their volumes, and networks, that
// have a label with a value that is doomed.
func (d daemon) removeLabelled(ctx context.Context, label string, doomed func(value string) bool) error {
	withLabel := client.Filters{}.Add("label", label)
	containers, err := d.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: withLabel})
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range containers.Items {
		if doomed(c.Labels[label]) {
			_, err := d.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{RemoveVolumes: true, Force: true})
			errs = append(errs, unlessGone(err))
		}
	}
	networks, err := d.NetworkList(ctx, client.NetworkListOptions{Filters: withLabel})
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, n := range networks.Items {
		if doomed(n.Labels[label]) {
			_, err := d.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
			errs = append(errs, unlessGone(err))
		}
	}
	return errors.Join(errs...)
}

// unlessGone drops the error of removing what somebody else removes or has
// removed: two processes may sweep at once.
func unlessGone(err error) error {
	if errdefs.IsNotFound(err) || err != nil && strings.Contains(err.Error(), "already in progress") {
		return nil
	}
	return err
}
