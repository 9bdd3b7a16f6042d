package zk

import "strconv"

var codeNames = map[Code]string{
	0:                           "OK",
	ErrSystemError:              "SystemError",
	ErrRuntimeInconsistency:     "RuntimeInconsistency",
	ErrDataInconsistency:        "DataInconsistency",
	ErrConnectionLoss:           "ConnectionLoss",
	ErrMarshallingError:         "MarshallingError",
	ErrUnimplemented:            "Unimplemented",
	ErrOperationTimeout:         "OperationTimeout",
	ErrBadArguments:             "BadArguments",
	ErrUnknownSession:           "UnknownSession",
	ErrNewConfigNoQuorum:        "NewConfigNoQuorum",
	ErrReconfigInProgress:       "ReconfigInProgress",
	ErrAPIError:                 "APIError",
	ErrNoNode:                   "NoNode",
	ErrNoAuth:                   "NoAuth",
	ErrBadVersion:               "BadVersion",
	ErrNoChildrenForEphemerals:  "NoChildrenForEphemerals",
	ErrNodeExists:               "NodeExists",
	ErrNotEmpty:                 "NotEmpty",
	ErrSessionExpired:           "SessionExpired",
	ErrInvalidCallback:          "InvalidCallback",
	ErrInvalidACL:               "InvalidACL",
	ErrAuthFailed:               "AuthFailed",
	ErrSessionMoved:             "SessionMoved",
	ErrNotReadOnly:              "NotReadOnly",
	ErrEphemeralOnLocalSession:  "EphemeralOnLocalSession",
	ErrNoWatcher:                "NoWatcher",
	ErrRequestTimeout:           "RequestTimeout",
	ErrReconfigDisabled:         "ReconfigDisabled",
	ErrSessionClosedRequireSASL: "SessionClosedRequireSASL",
	ErrQuotaExceeded:            "QuotaExceeded",
	ErrThrottledOp:              "ThrottledOp",
}

// Name is the code as a word, for labels: "NoNode" for ErrNoNode. A code that
// this package does not know is its number.
func (c Code) Name() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return strconv.Itoa(int(c))
}
