cimport cython
from libc.stdint cimport int64_t
from raftfast._compiled.laws cimport Laws
from raftfast._compiled.queue cimport Queue
from raftfast._compiled.words cimport (
    FOR_PROCESS, FOR_WRITE, NOBODY, PURPOSE, SERVED, TIMEOUT, WROTE_CANDIDACY, WROTE_LEAD, WROTE_TERM,
    WROTE_VOTE,
)
from raftfast._compiled.words cimport apart

@cython.final
cdef class Desk:
    cdef Laws laws
    cdef Queue queue
    cdef int nodes, process, write, candidate, term, vote, lead, capacity, fresh, spare
    cdef readonly int writes, busy, overflowed
    cdef int[::1] head, tail, serving, after, paused
    cdef int64_t[::1] free_at, processed, written, what, terms
    @cython.locals(i=int)
    cdef apart clear(self) noexcept nogil
    cpdef int is_free(self, int server, int64_t now) noexcept nogil
    @cython.locals(slot=int)
    cdef apart wait(self, int server, int64_t what, int64_t term) noexcept nogil
    @cython.locals(slot=int, what=int64_t, at=int64_t, ordinal=int64_t)
    cdef apart serve(self, int server, int64_t now, int64_t armed) noexcept nogil
    @cython.locals(slot=int)
    cdef apart forget(self, int server) noexcept nogil
    cpdef void rest(self, int server) noexcept nogil
    @cython.locals(at=int64_t)
    cpdef int64_t write_down(self, int server, int durable, int64_t now) noexcept nogil
    @cython.locals(at=int64_t)
    cpdef int64_t write_lead(self, int server, int durable, int64_t now) noexcept nogil
    @cython.locals(ordinal=int64_t)
    cdef int64_t take_write(self, int server, int row) noexcept nogil
