cimport cython
from libc.stdint cimport int64_t
from raftfast._compiled.network cimport Network
from raftfast._compiled.words cimport (
    NEVER, NO_TERM, NOBODY, PLACES, ON_DURATION, ON_FOLLOWED, ON_LEADER, ON_STABLE,
)

@cython.final
cdef class Stop:
    cdef Network network
    cdef int nodes, rule, forgetful, over, leader, unhailed, winner, censored
    cdef int64_t stable_ns, duration_ns, last_ns, at_ns, until, leader_term
    cdef int64_t election_ns, followed_ns
    cdef int[PLACES] awaited
    cpdef void expect_forgetting(self) noexcept nogil
    cdef void clear(self) noexcept nogil
    cdef void begin_led(self, int server, int64_t term) noexcept nogil
    cdef void note_office(self, int server, int64_t term, int64_t at) noexcept nogil
    @cython.locals(i=int)
    cdef void count_unhailed(self, int64_t at) noexcept nogil
    cdef void note_follower(self, int server, int leader, int64_t term, int64_t at) noexcept nogil
    cdef void note_resignation(self, int server) noexcept nogil
    cdef void run_out(self) noexcept nogil
    cdef inline void cut(self) noexcept nogil
    cdef void end(self, int winner, int64_t election_ns, int64_t at) noexcept nogil
