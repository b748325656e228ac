cimport cython
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.raft cimport Raft
from raftfast._compiled.rng cimport Rng
from raftfast._compiled.timeouts cimport Timeouts
from raftfast._compiled.words cimport (
    BY_FAILURES, BY_KAFKA, BY_LOSSES, BY_REJECTIONS, CONTACT, DECAY, DECAY_AFTER_SKIP, DEPOSED, EXPIRED, FOLLOW,
    FOLLOWER, FOR_BACKOFF, LEAD, LEADER, LOST, PURPOSE, STEP_DOWN, apart, apart_int,
)

@cython.final
cdef class Patience:
    cdef Rng rng
    cdef Timeouts timeouts
    cdef Raft raft
    cdef readonly int on
    cdef int nodes, backoff, decay
    cdef double factor
    cdef int64_t step, step_ns, longest_ns, top
    cdef int64_t[::1] lost, waits, target
    cdef int[::1] waiting, skipped, passive
    @cython.locals(i=int)
    cdef apart clear(self) noexcept nogil
    @cython.locals(role=int)
    cdef apart_int acts(self, int server, int64_t now) noexcept nogil
    cdef apart note(self, int server, int reasons, int64_t now) noexcept nogil
    cdef void wait_again(self, int server, int64_t now) noexcept nogil
    @cython.locals(scale=double, _=int64_t)
    cdef void lose(self, int server) noexcept nogil
    @cython.locals(power=int64_t, times=int64_t, wait=int64_t)
    cdef void back_off(self, int server, int64_t now) noexcept nogil
    @cython.locals(target=int64_t, less=int64_t)
    cdef void come_down(self, int server) noexcept nogil
