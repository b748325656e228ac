cimport cython
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.words cimport (
    APPEND_REQUEST, APPEND_RESPONSE, BALLOT_WORDS, BY_LOG, BY_TRANSFER, CAMPAIGN, CANDIDATE, CONTACT, DEPOSED, EVERYONE,
    EXPIRED, FOLLOW, FOLLOWER, FOR_HIGHER, GRANT, HANDED, HEARTBEAT_DEAD, LEAD, LEADER, LOST, NOBODY, PLACES, ONE, PAYLOAD, PRE_CAMPAIGN,
    PRE_CANDIDATE, PRE_VOTE_REQUEST, PRE_VOTE_RESPONSE, STEP_DOWN, TERM, UNANSWERED, UNTIL_TIMEOUT, VOTE_REQUEST,
    VOTE_RESPONSE, VOTERS, WROTE_CANDIDACY, WROTE_LEAD, WROTE_TERM, WROTE_VOTE, apart, apart_int, rarely,
)

@cython.final
cdef class Raft:
    cdef readonly int nodes, quorum, pre_vote
    cdef int sticky, silent, tie_break, stubborn, particular, restart_on_response, deaf, counts_refusals, gives_up
    cdef int waits_for_all, checks_quorum, asked, voters, by_clock, whom
    cdef int64_t now
    cdef readonly int[PLACES] role, voted_for, leader, tally, against
    cdef readonly int64_t[PLACES] term, log, contact
    cdef int64_t[PLACES] step, priority
    cdef uint64_t[::1] ballot, refusals
    cdef int64_t[::1] heard, handed
    cdef readonly int reasons, durable, out
    cdef readonly int out_to
    cdef readonly int64_t out_what, out_term
    cdef int64_t[::1] lease_ns, sticky_ns, check_ns, lease_until, sticky_until
    cdef int[::1] voter
    cpdef void enter(self, int me, int64_t term, int voted_for, int leader, int64_t contact) noexcept nogil
    cpdef void seat(self, list voters)
    cpdef void go_by_clock(self) noexcept nogil
    cpdef void check_quorum(self)
    cpdef void send_heartbeats_to(self, int whom) noexcept nogil
    cpdef void set_priority(self, int server, int64_t priority, int64_t step) noexcept nogil
    cdef void forget_leader(self, int me) noexcept nogil
    cdef void halt(self, int me) noexcept nogil
    @cython.locals(i=int)
    cdef void enthrone(self, int me, int64_t term, int64_t now) noexcept nogil
    cdef void forget(self, int me) noexcept nogil
    cdef void hold_lease(self, int server, int64_t until, int64_t sticky_until) noexcept nogil
    @cython.locals(i=int)
    cdef void enter_all(self) noexcept nogil
    cpdef void set_log(self, int server, int64_t log) noexcept nogil
    @cython.locals(kind=int, me=int, sender=int, word=int64_t)
    cdef inline void take(self, int64_t what, int64_t term, int64_t now) noexcept nogil
    cpdef void on_timeout(self, int me, int64_t now) noexcept nogil
    @cython.locals(granted=int, refused=int)
    cpdef void on_vote_request(self, int me, int sender, int64_t term, int64_t log, int64_t now) noexcept nogil
    cpdef void on_vote_response(self, int me, int sender, int64_t term, int64_t granted, int64_t now) noexcept nogil
    @cython.locals(success=int)
    cpdef void on_append_request(self, int me, int sender, int64_t term, int64_t now) noexcept nogil
    cdef apart on_timeout_now(self, int me, int64_t term, int64_t now) noexcept nogil
    cpdef void on_append_response(self, int me, int sender, int64_t term, int64_t now) noexcept nogil
    @cython.locals(granted=int)
    cpdef void on_pre_vote_request(self, int me, int sender, int64_t term, int64_t log, int64_t now) noexcept nogil
    cpdef void on_pre_vote_response(self, int me, int sender, int64_t term, int64_t granted, int64_t now) noexcept nogil
    cdef apart_int is_held(self, int me) noexcept nogil
    cdef int is_in_lease(self, int me) noexcept nogil
    cdef apart refuse_held(self, int kind, int me, int sender) noexcept nogil
    cdef apart_int is_particular(self, int me, int sender, int64_t term, int64_t log) noexcept nogil
    cdef apart_int outranks(self, int me, int sender, int64_t log) noexcept nogil
    cdef apart learn_of_term(self, int me, int64_t term) noexcept nogil
    cdef inline int has_waited(self, int me) noexcept nogil
    @cython.locals(i=int)
    cdef apart_int has_heard_the_higher(self, int me) noexcept nogil
    cdef inline int has_won(self, int me) noexcept nogil
    cdef apart win(self, int me) noexcept nogil
    @cython.locals(w=int, bit=uint64_t, vetoed=int)
    cdef apart count_refusal(self, int me, int sender) noexcept nogil
    @cython.locals(w=int, bit=uint64_t)
    cdef apart_int has_answered(self, int me, int sender) noexcept nogil
    cdef int is_campaigning(self, int me) noexcept nogil
    @cython.locals(kind=int, term=int64_t, log=int64_t)
    cdef apart repoll(self, int me, int64_t now) noexcept nogil
    @cython.locals(i=int, count=int, recent=int)
    cdef apart_int has_quorum(self, int me) noexcept nogil
    cdef apart hand_over(self, int me, int heir, int64_t now) noexcept nogil
    @cython.locals(i=int)
    cdef void forget_transfers(self) noexcept nogil
    cdef apart resign(self, int me) noexcept nogil
    cdef void become_pre_candidate(self, int me) noexcept nogil
    cdef inline void become_candidate(self, int me) noexcept nogil
    @cython.locals(i=int)
    cdef inline void become_leader(self, int me) noexcept nogil
    cdef inline void step_down(self, int me, int64_t term) noexcept nogil
    cdef inline void grant(self, int me, int candidate) noexcept nogil
    cdef inline void begin(self, int64_t now) noexcept nogil
    @cython.locals(w=int)
    cdef inline void open_ballot(self, int me) noexcept nogil
    @cython.locals(w=int, bit=uint64_t)
    cdef inline int count(self, int me, int sender) noexcept nogil
    cdef inline void send_heartbeat(self, int me) noexcept nogil
    cdef inline void send(self, int kind, int me, int to, int64_t term, int64_t word) noexcept nogil
