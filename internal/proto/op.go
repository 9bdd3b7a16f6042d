package proto

import "strconv"

// An Op is an opcode.
type Op int32

// Opcodes, with the first release that knows them where that is not the first
// of all.
const (
	OpNotify               Op = 0 // server to client only
	OpCreate               Op = 1
	OpDelete               Op = 2
	OpExists               Op = 3
	OpGetData              Op = 4
	OpSetData              Op = 5
	OpGetACL               Op = 6
	OpSetACL               Op = 7
	OpGetChildren          Op = 8
	OpSync                 Op = 9
	OpPing                 Op = 11
	OpGetChildren2         Op = 12
	OpCheck                Op = 13 // in a multi only
	OpMulti                Op = 14 // 3.4
	OpCreate2              Op = 15 // 3.5.0
	OpReconfig             Op = 16 // 3.5.0
	OpCheckWatches         Op = 17 // 3.5.0
	OpRemoveWatches        Op = 18 // 3.5.0
	OpCreateContainer      Op = 19 // 3.5.1
	OpDeleteContainer      Op = 20 // 3.5.1
	OpCreateTTL            Op = 21 // 3.5.3
	OpMultiRead            Op = 22 // 3.6
	OpAuth                 Op = 100
	OpSetWatches           Op = 101
	OpSASL                 Op = 102 // 3.4
	OpGetEphemerals        Op = 103 // 3.6
	OpGetAllChildrenNumber Op = 104 // 3.6
	OpSetWatches2          Op = 105 // 3.6
	OpAddWatch             Op = 106 // 3.6
	OpWhoAmI               Op = 107 // 3.7
	OpCreateSession        Op = -10
	OpCloseSession         Op = -11
	OpError                Op = -1 // a failed operation in the result of a multi
)

var opNames = map[Op]string{
	OpNotify: "notification", OpCreate: "create", OpDelete: "delete", OpExists: "exists",
	OpGetData: "getData", OpSetData: "setData", OpGetACL: "getACL", OpSetACL: "setACL",
	OpGetChildren: "getChildren", OpSync: "sync", OpPing: "ping", OpGetChildren2: "getChildren2",
	OpCheck: "check", OpMulti: "multi", OpCreate2: "create2", OpReconfig: "reconfig",
	OpCheckWatches: "checkWatches", OpRemoveWatches: "removeWatches",
	OpCreateContainer: "createContainer", OpDeleteContainer: "deleteContainer",
	OpCreateTTL: "createTTL", OpMultiRead: "multiRead", OpAuth: "auth",
	OpSetWatches: "setWatches", OpSASL: "sasl", OpGetEphemerals: "getEphemerals",
	OpGetAllChildrenNumber: "getAllChildrenNumber", OpSetWatches2: "setWatches2",
	OpAddWatch: "addWatch", OpWhoAmI: "whoAmI", OpCreateSession: "createSession",
	OpCloseSession: "closeSession", OpError: "error",
}

// String is the name that ZooKeeper gives the operation, such as "getData".
func (o Op) String() string {
	if s, ok := opNames[o]; ok {
		return s
	}
	return "op" + strconv.Itoa(int(o))
}

// Transaction ids that are not of ordinary requests.
const (
	XidNotify     int32 = -1
	XidPing       int32 = -2
	XidAuth       int32 = -4
	XidSetWatches int32 = -8
)

// Flags of a create.
const (
	FlagPersistent              int32 = 0
	FlagEphemeral               int32 = 1
	FlagPersistentSequential    int32 = 2
	FlagEphemeralSequential     int32 = 3
	FlagContainer               int32 = 4
	FlagPersistentTTL           int32 = 5
	FlagPersistentSequentialTTL int32 = 6
)

// MaxTTL is the greatest time to live of a znode, in milliseconds.
const MaxTTL int64 = 1<<40 - 1

// Event types and the one state that a server sends with them.
const (
	EventNodeCreated         int32 = 1
	EventNodeDeleted         int32 = 2
	EventNodeDataChanged     int32 = 3
	EventNodeChildrenChanged int32 = 4
	StateSyncConnected       int32 = 3
)

// Modes of addWatch.
const (
	WatchPersistent          int32 = 0
	WatchPersistentRecursive int32 = 1
)

// Watcher types of removeWatches and checkWatches; the last two since 3.9.
const (
	WatcherChildren            int32 = 1
	WatcherData                int32 = 2
	WatcherAny                 int32 = 3
	WatcherPersistent          int32 = 4
	WatcherPersistentRecursive int32 = 5
)

// Permission bits of an ACL.
const (
	PermRead   int32 = 1
	PermWrite  int32 = 2
	PermCreate int32 = 4
	PermDelete int32 = 8
	PermAdmin  int32 = 16
	PermAll    int32 = 31
)

// MaxBuffer is the default of jute.maxbuffer: the longest request in bytes
// that a server reads.
const MaxBuffer = 0xfffff
