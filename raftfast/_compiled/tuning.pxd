cimport cython
from libc.math cimport log, sqrt
from libc.stdint cimport int64_t
from raftfast._compiled.words cimport (
    APPEND_REQUEST, APPEND_RESPONSE, BEAT_MIN_NS, BY_TRANSFER, CAMPAIGN, CONTACT, DEAF_ONCE_IN, DEPOSED, FAR_NS,
    LIST_MAX, LIST_MIN, NEVER, PAYLOAD, PRE_CAMPAIGN, SPREADS, STEP_DOWN, TERM, apart, apart_int, whole,
)

@cython.final
cdef class Tuning:
    cdef int nodes
    cdef readonly int on, overflowed
    cdef int64_t heartbeat_ns, capacity, letters, hand_at, hand_number, hand_value
    cdef readonly int64_t[::1] timeout, interval, asked
    cdef int64_t[::1] trips, numbers, measured, first_trip, total, heard, oldest
    cdef double[::1] squares
    cdef int64_t[::1] number, sent_at, due, learnt, tells
    cdef int[::1] going
    cdef int64_t[::1] letter, letter_at, letter_number, letter_value
    cdef void clear(self) noexcept nogil
    cdef apart note(self, int server, int reasons) noexcept nogil
    cpdef void forget(self, int server) noexcept nogil
    cdef void hear(self, int server) noexcept nogil
    @cython.locals(place=int64_t, old=int64_t)
    cpdef void learn(self, int server, int64_t number, int64_t trip) noexcept nogil
    @cython.locals(base=int64_t, first=int64_t, heard=int64_t, place=int64_t, i=int64_t)
    cdef int take_number(self, int server, int64_t number) noexcept nogil
    @cython.locals(known=int64_t, mean=double, variance=double, spread=double, wait=double, timeout=int64_t, enough=int64_t)
    cpdef void tune(self, int server) noexcept nogil
    @cython.locals(base=int64_t, first=int64_t, last=int64_t, sent=int64_t, lost=int64_t)
    cpdef int64_t enough(self, int server) noexcept nogil
    @cython.locals(i=int, pair=int)
    cpdef void stand(self, int server) noexcept nogil
    @cython.locals(pair=int)
    cdef void resume(self, int server, int follower, int64_t sent_at) noexcept nogil
    cdef int64_t interval_of(self, int follower) noexcept nogil
    @cython.locals(asked=int64_t)
    cdef int64_t every(self, int pair, double pace) noexcept nogil
    @cython.locals(i=int, pair=int)
    cpdef int64_t send(self, int server, double pace, int64_t now) noexcept nogil
    @cython.locals(i=int, soonest=int64_t)
    cdef int64_t soonest(self, int server) noexcept nogil
    @cython.locals(i=int, pair=int)
    cdef int64_t schedule(self, int server, double pace) noexcept nogil
    @cython.locals(pair=int)
    cdef int64_t take_answer(self, int server, int follower, double pace, int64_t now) noexcept nogil
    @cython.locals(sender=int, kind=int, pair=int)
    cdef int64_t seal(self, int64_t what, int64_t at) noexcept nogil
    @cython.locals(slot=int64_t)
    cdef int64_t write(self, int64_t at, int64_t number, int64_t value) noexcept nogil
    @cython.locals(kind=int, letter=int64_t, slot=int64_t)
    cdef apart open(self, int64_t what) noexcept nogil
