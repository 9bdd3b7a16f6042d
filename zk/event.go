package zk

import "strconv"

// An EventType says what happened.
type EventType int32

// What servers tell.
const (
	EventNodeCreated         EventType = 1
	EventNodeDeleted         EventType = 2
	EventNodeDataChanged     EventType = 3
	EventNodeChildrenChanged EventType = 4 // a child was created or deleted
)

// What this package adds.
const (
	// EventWatchRemoved is the last of a watch that was closed.
	EventWatchRemoved EventType = -1 - iota
	// EventSessionLost is the last of a one-shot watch that did not fire before
	// its session was lost or closed. Err says which.
	EventSessionLost
	// EventDisconnected tells a persistent watch that the connection is lost:
	// from here on changes may pass unseen.
	EventDisconnected
	// EventResync tells a persistent watch that it is armed again, on another
	// connection. What happened in between is not told, so look again: what you
	// read now and the events that follow leave no gap.
	EventResync
	// EventWatchLost is the last of a one-shot watch that servers refused to
	// restore, on one connection after the other. Err says why.
	EventWatchLost
	// EventOverflow tells a persistent watch with [WatchBuffer] that events are
	// missing before those that follow, since they were not read in time.
	EventOverflow
)

var eventNames = map[EventType]string{
	0:                        "None",
	EventNodeCreated:         "NodeCreated",
	EventNodeDeleted:         "NodeDeleted",
	EventNodeDataChanged:     "NodeDataChanged",
	EventNodeChildrenChanged: "NodeChildrenChanged",
	EventWatchRemoved:        "WatchRemoved",
	EventSessionLost:         "SessionLost",
	EventDisconnected:        "Disconnected",
	EventResync:              "Resync",
	EventWatchLost:           "WatchLost",
	EventOverflow:            "Overflow",
}

func (t EventType) String() string {
	if s, ok := eventNames[t]; ok {
		return s
	}
	return "EventType(" + strconv.Itoa(int(t)) + ")"
}

// An Event is what a watch delivers.
type Event struct {
	Type EventType
	Path string // of the node that changed; of a persistent watch itself where it is not about a node
	Zxid int64  // of the change, -1 when unknown: before 3.9, and of changes made while not connected
	Err  error  // of EventSessionLost: ErrSessionExpired, ErrAuthFailed or ErrClosed; of EventWatchLost what servers say
}
