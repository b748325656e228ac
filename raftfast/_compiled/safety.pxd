cimport cython
from libc.stdint cimport int64_t
from raftfast._compiled.words cimport (
    FOLLOWER, LEADER, NO_MAJORITY, NO_TERM, NOBODY, PLACES, TERM_WENT_BACK, TWO_LEADERS, VOTED_TWICE,
)
from raftfast._compiled.words cimport apart, apart_int

@cython.final
cdef class Safety:
    cdef int nodes, voters, doubtful, selective
    cdef int64_t terms, highest
    cdef readonly int overflowed, violations, broken
    cdef int64_t[PLACES] term, support_term
    cdef int[PLACES] role, voted_for, support
    cdef int[::1] office, voter
    cdef int64_t latest_vote
    cdef short[::1] cast, votes
    cpdef void take_rules(self, list voters, int forgets)
    @cython.locals(i=int64_t, server=int)
    cpdef void open_votes(self) noexcept nogil
    @cython.locals(term=int64_t)
    cpdef void clear(self) noexcept nogil
    cpdef void enter(self, int server, int64_t term, int voted_for) noexcept nogil
    cdef void enter_leader(self, int server, int64_t term) noexcept nogil
    cdef void note_office(self, int server, int64_t term) noexcept nogil
    @cython.locals(i=int)
    cdef void enter_all(self) noexcept nogil
    @cython.locals(before=int64_t, vote=int)
    cpdef void check_change(self, int server, int64_t term, int voted_for) noexcept nogil
    @cython.locals(knows=int)
    cpdef void check_vote(self, int server, int64_t term, int voted_for) noexcept nogil
    @cython.locals(earlier=int)
    cdef apart_int keep_vote(self, int server, int64_t term, int voted_for) noexcept nogil
    @cython.locals(votes=int)
    cpdef int check_leader(self, int server, int64_t term, int tally) noexcept nogil
    cdef apart check_majority(self, int server, int64_t term, int votes, int tally) noexcept nogil
    cpdef int is_led(self, int64_t term) noexcept nogil
    cdef apart report(self, int invariant) noexcept nogil
