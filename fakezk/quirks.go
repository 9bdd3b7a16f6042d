package fakezk

import "github.com/zookit/zookit/internal/proto"

// quirks are what older releases do otherwise than the newest, which has none.
// All that the fake knows of the difference between releases is here, and in
// features; docs/fidelity.md tells where it is from.
type quirks struct {
	// Requests.

	lacks      map[proto.Op]bool // requests that are not known; nil is none
	fewerFlags int32             // how many of the flags of a create are not known
	checkAlone bool              // check outside of a multi is known, and answered when it fails

	// Connections.

	alwaysReadOnlyByte bool // the handshake's answer has the byte also where the request had none
	muteOnFault        bool // a null password or SASL token, or stmk without a mask, is not answered, and what comes next ends the connection
	silentMayStay      bool // a connection that asks for no session is not closed
	saslFailsMutely    bool // the connection ends without a reply

	// Zxids.

	malformedTakesZxid bool // also a write that cannot be decoded takes one
	multiLosesZxid     bool // a multi with a null path takes one that never shows, and has an empty body

	// Judgement of requests.

	deleteContainerFails bool // always, for clients
	multiUnjudged        bool // flags and ACLs of a multi are judged one by one, and its creates go by their flags alone
	flagsLast            bool // flags of a create come after the look-up of the parent
	deleteLooksFirst     bool // NoNode of the child comes before NoAuth
	laxPaths             bool // characters at the ends of forbidden ranges are allowed

	// ACLs and quotas.

	nullACLMalformed    bool // a null list is MarshallingError
	nullSchemeMalformed bool // and so is a null scheme
	authEntriesLast     bool // identities that stand for an entry of scheme auth come behind all others
	authEntriesInOrder  bool // of their proof, not of a hash table
	skipACLSkipsAll     bool // skipACL takes also invalid ACLs
	openGetACL          bool // getACL needs no permission, and hides nothing
	noIPv6, noMasks     bool // in ACLs of scheme ip
	watchedByAll        bool // exists and events need no permission

	// Watches.

	eventsWithoutZxid bool // -1 in its place
	oneWatchAPath     bool // the latest kind replaces the one before it; no types 4 and 5
	checksAnyones     bool // checkWatches finds also those of other connections

	// Four-letter words.

	lacksWords         []string // words that are not known
	mostWords          bool     // all words but wchc and wchp are enabled where none are named
	allWords           bool     // and these two are, too
	wholeLatency       bool     // the average latency has no decimals
	fewMetrics         bool     // mntr has the first 15 alone
	briefConf          bool     // conf has neither TLS nor sizes
	confWithoutBacklog bool
	oldWords           bool // envi without memory, dump without connections
	removedShow        bool // wchs counts a session whose last watch was removed

	// The admin server.

	adminGetOnly    bool // there is no POST
	oldAdminAnswers bool // some have fewer fields, or in another order

	// The tree.

	noConfigNode   bool // /zookeeper/config
	openConfigNode bool // all may change it
	counterWraps   bool // the count of children ever created goes on below zero
}

// quirksOf has the releases with which each quirk went, or came.
func quirksOf(r release) quirks {
	before := func(firsts ...release) bool { return !r.has(firsts...) }
	return quirks{
		lacks:      r.lacks(),
		fewerFlags: r.fewerFlags(),
		checkAlone: before(release{8, 5}, release{9, 3}),

		alwaysReadOnlyByte: r.has(release{9, 0}) && before(release{9, 3}),
		muteOnFault:        before(release{5, 0}),
		silentMayStay:      before(release{5, 0}),
		saslFailsMutely:    before(release{5, 9}),

		malformedTakesZxid: before(release{9, 0}),
		multiLosesZxid:     before(release{9, 0}),

		deleteContainerFails: before(release{9, 0}),
		multiUnjudged:        before(release{7, 2}, release{8, 2}),
		flagsLast:            before(release{5, 0}),
		deleteLooksFirst:     before(release{6, 0}),
		laxPaths:             before(release{5, 0}),

		nullACLMalformed:    before(release{6, 0}),
		nullSchemeMalformed: before(release{5, 0}),
		authEntriesLast:     before(release{5, 0}),
		authEntriesInOrder:  before(release{6, 0}),
		openGetACL:          before(release{4, 14}, release{5, 5}),
		skipACLSkipsAll:     before(release{5, 0}),
		noIPv6:              before(release{9, 4}),
		noMasks:             before(release{5, 0}),
		watchedByAll:        before(release{8, 4}, release{9, 2}),

		eventsWithoutZxid: before(release{9, 0}),
		oneWatchAPath:     before(release{9, 0}),
		checksAnyones:     r.has(release{6, 0}) && before(release{9, 0}),

		lacksWords:         r.lacksWords(),
		mostWords:          before(release{5, 3}),
		allWords:           before(release{4, 10}, release{5, 3}),
		wholeLatency:       before(release{6, 0}),
		fewMetrics:         before(release{6, 0}),
		briefConf:          before(release{5, 1}),
		confWithoutBacklog: before(release{6, 0}),
		oldWords:           before(release{5, 0}),
		removedShow:        before(release{9, 0}),

		adminGetOnly:    before(release{9, 0}),
		oldAdminAnswers: before(release{6, 0}),

		noConfigNode:   before(release{5, 0}),
		openConfigNode: before(release{5, 3}),
		counterWraps:   before(release{6, 0}),
	}
}

// opsSince are the requests that came after 3.4.0.
var opsSince = map[release][]proto.Op{
	{5, 0}: {proto.OpCreate2, proto.OpReconfig, proto.OpCheckWatches, proto.OpRemoveWatches},
	{5, 1}: {proto.OpCreateContainer, proto.OpDeleteContainer},
	{5, 3}: {proto.OpCreateTTL},
	{6, 0}: {proto.OpMultiRead, proto.OpGetEphemerals, proto.OpGetAllChildrenNumber, proto.OpSetWatches2, proto.OpAddWatch},
	{7, 0}: {proto.OpWhoAmI},
}

// lacks are the requests that the release does not know.
func (r release) lacks() map[proto.Op]bool {
	var lacks map[proto.Op]bool
	for first, ops := range opsSince {
		if r.has(first) {
			continue
		}
		if lacks == nil {
			lacks = map[proto.Op]bool{}
		}
		for _, op := range ops {
			lacks[op] = true
		}
	}
	return lacks
}

// lacksWords are the four-letter words that the release does not know.
func (r release) lacksWords() (words []string) {
	for word, first := range map[string]release{"telnet close": {5, 0}, "dirs": {5, 1}, "hash": {6, 0}} {
		if !r.has(first) {
			words = append(words, word)
		}
	}
	return words
}

// fewerFlags is how many of the flags of a create the release does not know.
func (r release) fewerFlags() int32 {
	switch {
	case r.has(release{5, 3}):
		return 0
	case r.has(release{5, 1}):
		return proto.FlagPersistentSequentialTTL - proto.FlagContainer
	}
	return proto.FlagPersistentSequentialTTL - proto.FlagEphemeralSequential
}

// lastFlags is the highest that a create may have.
func (q *quirks) lastFlags() int32 { return proto.FlagPersistentSequentialTTL - q.fewerFlags }

// areTTL tells whether flags are those of a TTL znode.
func (q *quirks) areTTL(flags int32) bool {
	return proto.FlagPersistentTTL <= flags && flags <= q.lastFlags()
}
