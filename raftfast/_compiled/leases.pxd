cimport cython
from libc.stdint cimport int64_t
from raftfast._compiled.clock cimport Clock
from raftfast._compiled.raft cimport Raft
from raftfast._compiled.tuning cimport Tuning
from raftfast._compiled.words cimport apart

@cython.final
cdef class Leases:
    cdef Clock clock
    cdef Tuning tuning
    cdef Raft raft
    cdef int nodes, sticky_spans
    cdef readonly int on
    cdef int64_t[::1] lease_wait, sticky_wait
    @cython.locals(lease=int64_t, sticky=int64_t, tuned=int64_t)
    cdef apart hold(self, int server, int64_t contact) noexcept nogil
