package zk

import (
	"io/fs"

	"github.com/zookit/zookit/internal/proto"
)

// A Code is an error as ZooKeeper numbers it. Compare with errors.Is, which
// also matches ErrNoNode with [fs.ErrNotExist], ErrNodeExists with
// [fs.ErrExist], and ErrNoAuth with [fs.ErrPermission].
type Code int32

// The codes. Clients make ErrConnectionLoss, ErrOperationTimeout,
// ErrInvalidCallback and ErrRequestTimeout (of which this one makes the first
// and, with [RequestTimeout], the last); servers send the others. A number that
// is not here is a Code like another, which errors.Is finds.
const (
	ErrSystemError              Code = -1
	ErrRuntimeInconsistency     Code = -2 // in a multi: not tried, since an operation before it failed
	ErrDataInconsistency        Code = -3
	ErrConnectionLoss           Code = -4 // the answer is lost; see MayHaveApplied
	ErrMarshallingError         Code = -5 // the server could not read the request
	ErrUnimplemented            Code = -6 // not by this version, which then also closes the connection, or not enabled
	ErrOperationTimeout         Code = -7
	ErrBadArguments             Code = -8
	ErrUnknownSession           Code = -12
	ErrNewConfigNoQuorum        Code = -13
	ErrReconfigInProgress       Code = -14
	ErrAPIError                 Code = -100
	ErrNoNode                   Code = -101
	ErrNoAuth                   Code = -102
	ErrBadVersion               Code = -103
	ErrNoChildrenForEphemerals  Code = -108
	ErrNodeExists               Code = -110
	ErrNotEmpty                 Code = -111
	ErrSessionExpired           Code = -112
	ErrInvalidCallback          Code = -113
	ErrInvalidACL               Code = -114
	ErrAuthFailed               Code = -115
	ErrSessionMoved             Code = -118
	ErrNotReadOnly              Code = -119 // a write to a server that is read-only
	ErrEphemeralOnLocalSession  Code = -120
	ErrNoWatcher                Code = -121
	ErrRequestTimeout           Code = -122
	ErrReconfigDisabled         Code = -123
	ErrSessionClosedRequireSASL Code = -124 // the server wants a login or credential first; it ends the Conn
	ErrQuotaExceeded            Code = -125
	ErrThrottledOp              Code = -127
)

// Error describes the code in words.
func (c Code) Error() string { return proto.Code(c).Error() }

// Is matches the errors of package fs; see Code.
func (c Code) Is(target error) bool {
	switch c {
	case ErrNoNode:
		return target == fs.ErrNotExist
	case ErrNodeExists:
		return target == fs.ErrExist
	case ErrNoAuth:
		return target == fs.ErrPermission
	}
	return false
}
