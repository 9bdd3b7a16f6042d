package proto

import (
	"fmt"

	"github.com/zookit/zookit/internal/jute"
)

// A MultiHeader stands before each operation and each result of a multi, and
// ends both lists with Done.
type MultiHeader struct {
	Op   Op
	Done bool
	Err  Code
}

func (m MultiHeader) AppendTo(b []byte) []byte {
	return jute.AppendInt(jute.AppendBool(jute.AppendInt(b, int32(m.Op)), m.Done), int32(m.Err))
}

func (m *MultiHeader) Decode(r *jute.Reader) {
	r.Begin("MultiHeader")
	m.Op, m.Done, m.Err = Op(r.Int()), r.Bool(), Code(r.Int())
}

// multiEnd ends a list of operations or results.
var multiEnd = MultiHeader{Op: OpError, Done: true, Err: -1}

// AppendMultiEnd ends a list of operations or results.
func AppendMultiEnd(b []byte) []byte { return multiEnd.AppendTo(b) }

// A MultiOp is one operation of a multi or a multiRead. Which fields count
// depends on Op.
type MultiOp struct {
	Op               // create, create2, createContainer, createTTL, delete, setData, check, getData or getChildren
	CreateTTLRequest // Path for all; Data of setData too
	Version          int32
	Watch            bool // of a read; servers ignore it
}

// AppendTo appends the operation behind its header.
func (m MultiOp) AppendTo(b []byte) []byte {
	b = MultiHeader{Op: m.Op, Err: -1}.AppendTo(b)
	switch m.Op {
	case OpCreateTTL:
		return m.CreateTTLRequest.AppendTo(b)
	case OpDelete, OpCheck:
		return PathVersion{m.Path, m.NullPath, m.Version}.AppendTo(b)
	case OpSetData:
		return SetDataRequest{m.Path, m.NullPath, m.Data, m.Version}.AppendTo(b)
	case OpGetData, OpGetChildren:
		return PathWatch{m.Path, m.NullPath, m.Watch}.AppendTo(b)
	default:
		return m.CreateRequest.AppendTo(b)
	}
}

func (m *MultiOp) decodeBody(r *jute.Reader) {
	switch m.Op {
	case OpCreate, OpCreate2, OpCreateContainer:
		m.CreateRequest.Decode(r)
	case OpCreateTTL:
		m.CreateTTLRequest.Decode(r)
	case OpDelete, OpCheck:
		var d PathVersion
		d.Decode(r)
		m.Path, m.NullPath, m.Version = d.Path, d.NullPath, d.Version
	case OpSetData:
		var d SetDataRequest
		d.Decode(r)
		m.Path, m.NullPath, m.Data, m.Version = d.Path, d.NullPath, d.Data, d.Version
	case OpGetData, OpGetChildren:
		var d PathWatch
		d.Decode(r)
		m.Path, m.NullPath, m.Watch = d.Path, d.NullPath, d.Watch
	default:
		r.Fail(fmt.Sprintf("%v cannot be part of a multi", m.Op))
	}
}

// A MultiRequest is the body of multi and multiRead.
type MultiRequest struct{ Ops []MultiOp }

func (m MultiRequest) AppendTo(b []byte) []byte {
	for i := range m.Ops {
		b = m.Ops[i].AppendTo(b)
	}
	return AppendMultiEnd(b)
}

// Decode reads the operations, all of them reads or all of them writes. Where
// it fails it keeps those that it could read.
func (m *MultiRequest) Decode(r *jute.Reader) {
	m.Ops = m.Ops[:0]
	for {
		var h MultiHeader
		h.Decode(r)
		if r.Err() != nil || h.Done {
			return
		}
		r.Begin("MultiRequest")
		op := MultiOp{Op: h.Op}
		op.decodeBody(r)
		if r.Err() != nil {
			return
		}
		if m.Ops = append(m.Ops, op); op.isRead() != m.Ops[0].isRead() {
			r.Fail("reads and writes in one multi")
			return
		}
	}
}

func (m *MultiOp) isRead() bool { return m.Op == OpGetData || m.Op == OpGetChildren }

// A MultiResult is the result of one operation of a multi.
type MultiResult struct {
	Op                // of the result: create2 with a Stat, create without; error with Err
	Err      Code     // of an error
	Path     string   // of a create
	Stat     Stat     // of create2, setData and getData
	Data     []byte   // of getData
	Children []string // of getChildren
}

// AppendTo appends the result behind its header.
func (m MultiResult) AppendTo(b []byte) []byte {
	b = MultiHeader{Op: m.Op, Err: m.Err}.AppendTo(b)
	switch m.Op {
	case OpError:
		return jute.AppendInt(b, int32(m.Err))
	case OpCreate:
		return jute.AppendString(b, m.Path)
	case OpCreate2:
		return m.Stat.AppendTo(jute.AppendString(b, m.Path))
	case OpSetData:
		return m.Stat.AppendTo(b)
	case OpGetData:
		return m.Stat.AppendTo(jute.AppendBuffer(b, m.Data))
	case OpGetChildren:
		return jute.AppendStrings(b, m.Children)
	}
	return b
}

func (m *MultiResult) decodeBody(r *jute.Reader) {
	switch m.Op {
	case OpError:
		m.Err = Code(r.Int())
	case OpCreate:
		m.Path = r.Text()
	case OpCreate2:
		m.Path = r.Text()
		m.Stat.Decode(r)
	case OpSetData:
		m.Stat.Decode(r)
	case OpGetData:
		m.Data = r.Buffer()
		m.Stat.Decode(r)
	case OpGetChildren:
		m.Children = r.Strings()
	case OpDelete, OpCheck:
	default:
		r.Fail(fmt.Sprintf("result of type %v", m.Op))
	}
}

// A MultiResponse answers multi and multiRead. A multi that failed has an
// error for each operation: 0 before the one that failed, its code, and
// RuntimeInconsistency after it.
type MultiResponse struct{ Results []MultiResult }

func (m MultiResponse) AppendTo(b []byte) []byte {
	for i := range m.Results {
		b = m.Results[i].AppendTo(b)
	}
	return AppendMultiEnd(b)
}

func (m *MultiResponse) Decode(r *jute.Reader) {
	m.Results = m.Results[:0]
	for {
		var h MultiHeader
		h.Decode(r)
		if r.Err() != nil || h.Done {
			return
		}
		r.Begin("MultiResponse")
		res := MultiResult{Op: h.Op}
		res.decodeBody(r)
		if r.Err() != nil {
			return
		}
		m.Results = append(m.Results, res)
	}
}
