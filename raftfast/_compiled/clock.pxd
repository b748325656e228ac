cimport cython
from libc.math cimport sqrt
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.rng cimport Rng
from raftfast._compiled.words cimport FOR_DRIFT, FOR_PHASE, FOR_POLL, FOR_POLL_PHASE, PURPOSE, UNIT, apart, apart_int, whole

@cython.final
cdef class Clock:
    cdef Rng rng
    cdef readonly int plain
    cdef int nodes, aligned
    cdef int64_t tick_ns, poll_low, poll_high
    cdef double drift
    cdef int64_t[::1] tick, phase, poll_at, polls
    cdef double[::1] rate
    cpdef void tick_by(self, int64_t tick_ns, int aligned) noexcept nogil
    cpdef void drift_by(self, double ppm) noexcept nogil
    cpdef void poll_by(self, int64_t low_ns, int64_t high_ns) noexcept nogil
    cdef void see(self) noexcept nogil
    @cython.locals(i=int, place=int, u=double, into=int64_t)
    cdef apart start(self, int64_t broadcast_ns) noexcept nogil
    @cython.locals(u=double, shortest=double, longest=double)
    cdef int64_t interval(self, uint64_t key, int64_t low, int64_t high) noexcept nogil
    cdef int64_t residual(self, uint64_t key, int64_t low, int64_t high) noexcept nogil
    cdef apart_int expiry(self, int server, int64_t wait, int expired, int64_t now) noexcept nogil
    @cython.locals(at=int64_t, tick=int64_t, since=int64_t, done=int64_t)
    cdef int64_t lapse(self, int server, int64_t wait, int expired, int64_t now) noexcept nogil
    cdef double pace(self, int server) noexcept nogil
    cdef apart_int beat(self, int server, int64_t wait_ns, int64_t now) noexcept nogil
    @cython.locals(place=int, poll=int64_t, polls=int64_t)
    cdef int64_t noticed(self, int server, int64_t at, int64_t now) noexcept nogil
