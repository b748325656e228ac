cimport cython
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.census cimport Census
from raftfast._compiled.clock cimport Clock
from raftfast._compiled.desk cimport Desk
from raftfast._compiled.detector cimport Detector
from raftfast._compiled.events cimport Events
from raftfast._compiled.journal cimport Journal
from raftfast._compiled.laws cimport Laws
from raftfast._compiled.leases cimport Leases
from raftfast._compiled.network cimport Network
from raftfast._compiled.patience cimport Patience
from raftfast._compiled.queue cimport Queue
from raftfast._compiled.raft cimport Raft
from raftfast._compiled.rng cimport Rng
from raftfast._compiled.safety cimport Safety
from raftfast._compiled.stop cimport Stop
from raftfast._compiled.timeouts cimport Timeouts
from raftfast._compiled.tuning cimport Tuning
from raftfast._compiled.words cimport (
    APPEND_RESPONSE, CAMPAIGN, CANCELLED, CONTACT, DONE, DUE, FOLLOWER, FOR_CRASH, FOR_LEADER, FOR_LOG,
    JOURNAL_FULL, LEAD, LEADER, LIST_MAX, NEVER, NOBODY, OFFICE, PAYLOAD, PRE_CAMPAIGN, PURPOSE, QUEUE_FULL,
    RUNNING, SAW_CRASH, SAW_RECEIVED, SAW_ROLE, SAW_TERM, SAW_TIMEOUT, SAW_VOTE, SERVED, TERMS_FULL, TIMEOUT,
    UNANSWERED, rarely,
)
from raftfast._compiled.words cimport apart, apart_int

@cython.final
cdef class Ensemble:
    cdef Rng rng
    cdef Queue queue
    cdef Laws laws
    cdef readonly Journal journal
    cdef Clock clock
    cdef readonly Timeouts timeouts
    cdef readonly Tuning tuning
    cdef int tunes
    cdef Raft raft
    cdef Leases leases
    cdef Patience patience
    cdef Events events_from
    cdef int eventful, observed, steady, forgets
    cdef int64_t repoll_ns
    cdef int64_t[::1] rounds
    cdef Network network
    cdef Desk desk
    cdef readonly Safety safety
    cdef Census census
    cdef Stop stop
    cdef int nodes, leased, busy, watched, writes, distinct_logs, ranked, persistent, overlapped, crash, synchronised
    cdef int[::1] up, eligible
    cdef int64_t[::1] logs, columns
    cdef int64_t stride
    cdef readonly int64_t events
    cdef readonly int status, crashed
    cdef int served, cancelled
    cdef int64_t now
    cpdef void cancel(self) noexcept nogil
    @cython.locals(done=int64_t)
    cpdef int64_t run(self, uint64_t seed, int64_t first, int64_t count, int64_t[::1] columns)
    @cython.locals(server=int, events=int64_t, now=int64_t)
    cpdef int elect(self, uint64_t seed, int64_t trial) noexcept nogil
    cdef apart look_around(self) noexcept nogil
    cdef void start(self, uint64_t seed, int64_t trial) noexcept nogil
    cdef apart start_observed(self) noexcept nogil
    @cython.locals(i=int)
    cdef void start_cold(self) noexcept nogil
    @cython.locals(broadcast=int64_t, contact=int64_t, i=int, leader=int)
    cdef void start_led(self) noexcept nogil
    cdef void begin_led(self, int leader, int64_t broadcast) noexcept nogil
    @cython.locals(i=int, place=int, interval=int64_t, shortest=int64_t, latest=int64_t, span=int64_t, sent_at=int64_t)
    cdef apart_int recall_past(self, int leader) noexcept nogil
    @cython.locals(ago=int64_t, trip=int64_t)
    cdef apart recall_list(self, int leader, int server) noexcept nogil
    cdef apart read_letter(self, int server, int64_t what, int64_t term) noexcept nogil
    cdef void enter(self, int server, int64_t term, int voted_for, int leader, int64_t contact) noexcept nogil
    @cython.locals(longest=int64_t, several=int, left=int64_t, i=int)
    cdef int draw_leader(self) noexcept nogil
    @cython.locals(i=int, j=int64_t, length=int64_t)
    cdef apart permute_logs(self) noexcept nogil
    @cython.locals(i=int, j=int, rank=int)
    cdef apart rank_logs(self, int crashed) noexcept nogil
    cdef apart_int is_overdue(self, int server) noexcept nogil
    @cython.locals(what=int64_t, term=int64_t, server=int)
    cdef inline int take_delivery(self) noexcept nogil
    cdef apart_int is_ready(self, int server, int64_t what, int64_t term) noexcept nogil
    @cython.locals(word=int64_t)
    cdef apart take_alarm(self, int server, int64_t what, int64_t term) noexcept nogil
    @cython.locals(what=int64_t)
    cdef inline int take_timeout(self, int server) noexcept nogil
    cdef inline void expire(self, int server) noexcept nogil
    @cython.locals(at=int64_t, term=int64_t, voted_for=int, reasons=int)
    cdef inline void settle(self, int server, int64_t now) noexcept nogil
    cdef apart send_late(self, int server, int reasons, int64_t now, int64_t at) noexcept nogil
    @cython.locals(term=int64_t, voted_for=int)
    cdef apart_int write_down(self, int server, int64_t now) noexcept nogil
    @cython.locals(term=int64_t, voted_for=int)
    cdef void check_vote(self, int server) noexcept nogil
    @cython.locals(what=int64_t)
    cdef apart come_back(self, int server, int reasons, int64_t at) noexcept nogil
    cdef void note_contact(self, int server, int64_t term) noexcept nogil
    @cython.locals(before=int, role=int)
    cdef void change_role(self, int server, int64_t at) noexcept nogil
    @cython.locals(first_of_term=int)
    cdef void take_office(self, int server, int64_t term, int64_t at) noexcept nogil
    @cython.locals(changes=int64_t)
    cdef void write(self, int64_t trial) noexcept nogil
    cdef inline void put(self, int column, int64_t trial, int64_t value) noexcept nogil
