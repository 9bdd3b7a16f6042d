package proto

import "strconv"

// A Code is the error code of a reply; 0 is success.
type Code int32

// Error codes. Those marked "client" are never sent by a server.
const (
	OK                       Code = 0
	SystemError              Code = -1
	RuntimeInconsistency     Code = -2 // in a multi: after the operation that failed
	DataInconsistency        Code = -3
	ConnectionLoss           Code = -4 // client
	MarshallingError         Code = -5
	Unimplemented            Code = -6
	OperationTimeout         Code = -7 // client
	BadArguments             Code = -8
	UnknownSession           Code = -12
	NewConfigNoQuorum        Code = -13
	ReconfigInProgress       Code = -14
	APIError                 Code = -100
	NoNode                   Code = -101
	NoAuth                   Code = -102
	BadVersion               Code = -103
	NoChildrenForEphemerals  Code = -108
	NodeExists               Code = -110
	NotEmpty                 Code = -111
	SessionExpired           Code = -112
	InvalidCallback          Code = -113 // client
	InvalidACL               Code = -114
	AuthFailed               Code = -115
	SessionMoved             Code = -118
	NotReadOnly              Code = -119
	EphemeralOnLocalSession  Code = -120
	NoWatcher                Code = -121
	RequestTimeout           Code = -122 // client
	ReconfigDisabled         Code = -123
	SessionClosedRequireSASL Code = -124
	QuotaExceeded            Code = -125
	ThrottledOp              Code = -127
)

var codeTexts = map[Code]string{
	OK:                       "ok",
	SystemError:              "system error",
	RuntimeInconsistency:     "runtime inconsistency: another operation of the multi failed",
	DataInconsistency:        "data inconsistency",
	ConnectionLoss:           "connection loss",
	MarshallingError:         "marshalling error",
	Unimplemented:            "operation not implemented by the server",
	OperationTimeout:         "operation timeout",
	BadArguments:             "bad arguments",
	UnknownSession:           "unknown session",
	NewConfigNoQuorum:        "no quorum of the new config is connected and synced",
	ReconfigInProgress:       "another reconfig is in progress",
	APIError:                 "API error",
	NoNode:                   "node does not exist",
	NoAuth:                   "not authorized",
	BadVersion:               "version does not match",
	NoChildrenForEphemerals:  "ephemeral nodes have no children",
	NodeExists:               "node exists",
	NotEmpty:                 "node has children",
	SessionExpired:           "session expired",
	InvalidCallback:          "invalid callback",
	InvalidACL:               "invalid ACL",
	AuthFailed:               "authentication failed",
	SessionMoved:             "session moved to another server",
	NotReadOnly:              "server is read-only",
	EphemeralOnLocalSession:  "ephemeral node on a local session",
	NoWatcher:                "no such watch",
	RequestTimeout:           "request timeout",
	ReconfigDisabled:         "reconfig is disabled",
	SessionClosedRequireSASL: "server requires authentication",
	QuotaExceeded:            "quota exceeded",
	ThrottledOp:              "request was throttled",
}

// Error describes the code.
func (c Code) Error() string {
	if s, ok := codeTexts[c]; ok {
		return s
	}
	return "error code " + strconv.Itoa(int(c))
}
