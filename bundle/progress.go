package bundle

import "sync/atomic"

// Progress is how far an import is. It may be read at any time.
type Progress struct {
	state atomic.Pointer[progressState]
}

type progressState struct {
	n *counters
	x *extraction
	s *source
}

// Snapshot is Progress at one moment.
type Snapshot struct {
	Read, Size int64 // bytes of the source, and how many it has, 0 when not known
	Files      int64
	Bytes      int64 // of files
}

// Now reads the progress; the zero value says that nothing has begun.
func (p *Progress) Now() Snapshot {
	st := p.state.Load()
	if st == nil {
		return Snapshot{}
	}
	s := Snapshot{Read: st.n.in.Load()}
	if st.s != nil {
		s.Size = st.s.size
	}
	if st.x != nil {
		s.Files, s.Bytes = st.x.limits.Files.Load(), st.x.limits.Bytes.Load()
	}
	return s
}

func (p *Progress) set(n *counters, s *source, x *extraction) {
	if p != nil {
		p.state.Store(&progressState{n: n, s: s, x: x})
	}
}
