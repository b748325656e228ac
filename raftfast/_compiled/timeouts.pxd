cimport cython
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.rng cimport Rng
from raftfast._compiled.words cimport (
    CAMPAIGN, CONTACT, EXPIRED, FOR_CANDIDACY, FOR_DRIFT, FOR_ELECTION, FOR_PHASE, GRANT, LEAD, NEVER, NOBODY,
    PLACES, PRE_CAMPAIGN, PURPOSE, UNIT, rarely, whole,
)
from raftfast._compiled.words cimport apart, apart_int

@cython.final
cdef class Timeouts:
    cdef Rng rng
    cdef int nodes, redraw_on, restart_on, aligned, plain
    cdef readonly int first
    cdef readonly int64_t first_at
    cdef readonly int64_t heartbeat_ns
    cdef int64_t follower_low, follower_span, candidate_low, candidate_span, tick_ns, arms
    cdef double drift
    cdef int64_t[PLACES] due, armed, drawn, since, election_draws, candidacy_draws
    cdef int[PLACES] put_off, drawn_for
    cdef int64_t[::1] tick, phase
    cdef double[::1] rate
    cdef int[::1] up
    cpdef void follow(self, int redraw_on, int restart_on) noexcept nogil
    cpdef void tick_by(self, int64_t tick_ns, int aligned) noexcept nogil
    cpdef void drift_by(self, double ppm) noexcept nogil
    @cython.locals(i=int)
    cpdef void clear(self, int64_t broadcast_ns) noexcept nogil
    @cython.locals(i=int, u=double)
    cdef apart set_clocks(self, int64_t broadcast_ns) noexcept nogil
    @cython.locals(i=int, place=int, into=int64_t)
    cdef void set_phases(self, int64_t broadcast_ns) noexcept nogil
    @cython.locals(wait=int64_t, at=int64_t)
    cpdef int64_t start(self, int server, int64_t now) noexcept nogil
    cdef inline void sit_out(self, int server) noexcept nogil
    @cython.locals(i=int, first=int, soonest=int64_t, at=int64_t)
    cdef void start_all(self) noexcept nogil
    @cython.locals(low=int64_t)
    cpdef void apply(self, int server, int reasons, int64_t now) noexcept nogil
    @cython.locals(wait=int64_t)
    cdef apart beat(self, int server, int64_t now) noexcept nogil
    cdef apart restart(self, int server, int reasons, int64_t now) noexcept nogil
    @cython.locals(wait=int64_t)
    cdef apart restart_by_clock(self, int server, int reasons, int64_t now) noexcept nogil
    cdef inline int64_t draw(self, int server) noexcept nogil
    @cython.locals(tick=int64_t, since=int64_t, done=int64_t)
    cdef apart_int wait_by_clock(self, int server, int64_t wait, int reasons, int64_t now) noexcept nogil
    @cython.locals(first=int, soonest=int64_t)
    cdef inline void set_due(self, int server, int64_t at) noexcept nogil
    cpdef void stop(self, int server) noexcept nogil
    @cython.locals(first=int, soonest=int64_t, at=int64_t, i=int)
    cpdef void find_first(self) noexcept nogil
    cdef int is_settled(self, int server) noexcept nogil
    cpdef int64_t deadline(self, int server) noexcept nogil
