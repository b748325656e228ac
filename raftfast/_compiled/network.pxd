cimport cython
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.journal cimport Journal
from raftfast._compiled.laws cimport Laws
from raftfast._compiled.queue cimport Queue
from raftfast._compiled.raft cimport Raft
from raftfast._compiled.rng cimport Rng
from raftfast._compiled.tuning cimport Tuning
from raftfast._compiled.words cimport (
    APPEND_REQUEST, APPEND_RESPONSE, DUE, EVERYONE, FOR_BROADCAST, FOR_COPY, FOR_COPY_LATENCY, FOR_LATENCY,
    FOR_LOSS, FOR_PAST, NOBODY, OPS_END, OPS_MAX, PLACES, PURPOSE, SAW_LOST, SAW_SENT, SERVED, SHORT_SPAN,
    UNANSWERED, UNIT, VOTERS, rarely,
)
from raftfast._compiled.words cimport apart, apart_int

@cython.final
cdef class Network:
    cdef Rng rng
    cdef Queue queue
    cdef Laws laws
    cdef Raft raft
    cdef Journal journal
    cdef Tuning tuning
    cdef int nodes, law, risky, ordered, by_link, changing, again_if_refused, quick, plain
    cdef double loss, duplicate
    cdef int64_t low, span
    cdef readonly int64_t sent, lost
    cdef int[PLACES] alive
    cdef int64_t[16 * PLACES] ops
    cdef int64_t ops_from
    cdef int64_t[::1] latest, leaves_at, leaving, leaving_lost
    cdef int[::1] exists, blocked
    cdef int64_t[::1] added
    cdef int[::1] link_law
    cdef double[::1] link_loss, link_duplicate
    @cython.locals(i=int)
    cpdef void clear(self) noexcept nogil
    cpdef void set_alive(self, int server, int alive) noexcept nogil
    cpdef int reaches(self, int sender, int to) noexcept nogil
    @cython.locals(i=int)
    cdef void revive(self, int[::1] up) noexcept nogil
    @cython.locals(to=int, count=int64_t, ordinal=int64_t, what=int64_t)
    cdef void carry(self, int64_t at) noexcept nogil
    @cython.locals(sent=int64_t, lost=int64_t)
    cdef apart carry_later(self, int sender, int64_t at) noexcept nogil
    @cython.locals(i=int)
    cdef apart recall(self, int64_t at) noexcept nogil
    @cython.locals(i=int)
    cdef apart clear_departures(self) noexcept nogil
    @cython.locals(i=int, to=int, sender=int)
    cdef void broadcast(self, int64_t what, int64_t term, int64_t at, int64_t ordinal) noexcept nogil
    @cython.locals(to=int, sender=int)
    cdef apart ask_voters(self, int64_t what, int64_t term, int64_t at, int64_t ordinal) noexcept nogil
    @cython.locals(to=int, sender=int)
    cdef apart send_due(self, int64_t what, int64_t term, int64_t at, int64_t ordinal) noexcept nogil
    @cython.locals(to=int, sender=int, answer=int)
    cdef apart send_again(self, int64_t what, int64_t term, int64_t at, int64_t ordinal) noexcept nogil
    @cython.locals(key=int64_t)
    cdef inline void send(self, int to, int64_t what, int64_t term, int64_t at, int64_t ordinal) noexcept nogil
    @cython.locals(link=int64_t, sender=int, pair=int, loss=double, duplicate=double, law=int, delay=int64_t, added=int64_t)
    cdef apart send_at_risk(self, int64_t what, int64_t term, int64_t at, int64_t ordinal) noexcept nogil
    cdef void deliver(self, int pair, int64_t arrival, int64_t what, int64_t term, int64_t at) noexcept nogil
    @cython.locals(i=int)
    cdef apart open_all(self) noexcept nogil
    cdef void open_link(self, int sender, int to) noexcept nogil
    @cython.locals(pair=int)
    cdef void block_link(self, int sender, int to, int by) noexcept nogil
    cdef void slow_link(self, int sender, int to, int64_t by_ns) noexcept nogil
    cdef apart lose(self, int64_t what, int64_t term, int64_t at) noexcept nogil
    @cython.locals(law=int, key=int64_t)
    cpdef int64_t broadcast_delay(self, int sender, int to) noexcept nogil
    @cython.locals(trip=int64_t, back=int, sender=int, receiver=int, pair=int, law=int, loss=double, link=int64_t, risky=int)
    cdef apart_int past_trip(self, int leader, int to, int64_t ago, int process) noexcept nogil
