cimport cython
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.clock cimport Clock
from raftfast._compiled.detector cimport Detector
from raftfast._compiled.rng cimport Rng
from raftfast._compiled.tuning cimport Tuning
from raftfast._compiled.words cimport (
    CAMPAIGN, CONTACT, EXPIRED, FOR_CANDIDACY, FOR_ELECTION, FOR_FIRST, FOR_WINDOW, FAR_NS, GRANT, LEAD, NEVER,
    NOBODY, PLACES, PRE_CAMPAIGN, PURPOSE, UNIT, apart, apart_int, own_draw, own_function, rarely, whole,
)

@cython.final
cdef class Timeouts:
    cdef Rng rng
    cdef Clock clock
    cdef Detector detector
    cdef readonly Tuning tuning
    cdef int listens, simple
    cdef int nodes, redraw_on, restart_on, plain, once, window, each_tick, own_candidacy, boots_otherwise
    cdef readonly int first, polled
    cdef readonly int64_t first_at
    cdef readonly int64_t heartbeat_ns
    cdef int stretched, draws_own, otherwise
    cdef own_function own
    cdef int64_t[::1] lost
    cdef int64_t longest
    cdef double[::1] scale
    cdef int64_t[::1] extra
    cdef int begins_apart
    cdef int64_t[::1] first_low, first_high
    cdef int64_t ahead, rank_wait, arms
    cdef int64_t[PLACES] election_low, election_span, candidate_low, candidate_span
    cdef int64_t[PLACES] due, armed, drawn, since, election_draws, candidacy_draws
    cdef int[PLACES] put_off, drawn_for
    cdef int64_t[::1] drawn_at, heard, rank
    cdef int[::1] up
    cpdef void follow(self, int redraw_on, int restart_on) noexcept nogil
    cpdef void draw_once(self, int own_candidacy) noexcept nogil
    cpdef void keep_jitter(self) noexcept nogil
    cpdef void run_freely(self, int own_draw) noexcept nogil
    cpdef void draw_each_tick(self) noexcept nogil
    cpdef void draw_by(self, own)
    cpdef void begin_with(self, list ranges)
    cpdef void be_ahead(self, int64_t wait) noexcept nogil
    cpdef void wait_by_rank(self, int64_t wait) noexcept nogil
    cpdef void stretch_to(self, int64_t longest) noexcept nogil
    cdef inline void stretch(self, int server, double scale, int64_t extra) noexcept nogil
    cdef void set_rank(self, int server, int64_t rank) noexcept nogil
    cpdef void ready(self) noexcept nogil
    cpdef void clear(self, int64_t broadcast_ns) noexcept nogil
    @cython.locals(at=int64_t)
    cpdef int64_t start(self, int server, int64_t now, int boots) noexcept nogil
    @cython.locals(wait=int64_t, later=int64_t, own_first=int, low=int64_t, high=int64_t, key=uint64_t, at=int64_t)
    cdef apart_int start_otherwise(self, int server, int64_t now, int boots) noexcept nogil
    @cython.locals(at=int64_t)
    cdef apart boot(self, int server, int64_t now) noexcept nogil
    cdef apart lead(self, int server, int64_t at) noexcept nogil
    cdef inline void sit_out(self, int server) noexcept nogil
    @cython.locals(i=int, first=int, soonest=int64_t, at=int64_t)
    cdef void start_all(self) noexcept nogil
    @cython.locals(low=int64_t, at=int64_t)
    cpdef void apply(self, int server, int reasons, int64_t now) noexcept nogil
    cdef apart listen(self, int server, int reasons, int64_t now) noexcept nogil
    @cython.locals(at=int64_t)
    cdef apart_int next_beat(self, int server, int64_t now) noexcept nogil
    @cython.locals(at=int64_t)
    cdef apart hear_answer(self, int server, int follower, int64_t now) noexcept nogil
    cdef apart restart(self, int server, int reasons, int64_t now) noexcept nogil
    @cython.locals(wait=int64_t)
    cdef apart restart_by_clock(self, int server, int reasons, int64_t now) noexcept nogil
    @cython.locals(age=int64_t)
    cdef apart_int is_overdue(self, int server, int64_t now) noexcept nogil
    cdef inline int64_t draw(self, int server) noexcept nogil
    @cython.locals(low=int64_t, span=int64_t, wait=int64_t, ordinal=int64_t, purpose=uint64_t, key=uint64_t, u=double, left=double, longer=int64_t, longest=int64_t)
    cdef apart_int draw_otherwise(self, int server) noexcept nogil
    @cython.locals(campaigns=int64_t, lost=int64_t, wait=int64_t)
    cdef int64_t draw_own(self, int server, int64_t low, int64_t high, double u) noexcept nogil
    @cython.locals(first=int, soonest=int64_t)
    cdef inline void set_due(self, int server, int64_t at) noexcept nogil
    cdef apart wait(self, int server, int64_t wait_ns, int64_t now) noexcept nogil
    cpdef void stop(self, int server) noexcept nogil
    @cython.locals(first=int, soonest=int64_t, at=int64_t, i=int)
    cpdef void find_first(self) noexcept nogil
    cdef int is_settled(self, int server) noexcept nogil
    cpdef int64_t deadline(self, int server) noexcept nogil
