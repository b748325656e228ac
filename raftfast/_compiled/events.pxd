cimport cython
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.census cimport Census
from raftfast._compiled.desk cimport Desk
from raftfast._compiled.journal cimport Journal
from raftfast._compiled.laws cimport Laws
from raftfast._compiled.leases cimport Leases
from raftfast._compiled.network cimport Network
from raftfast._compiled.queue cimport Queue
from raftfast._compiled.raft cimport Raft
from raftfast._compiled.rng cimport Rng
from raftfast._compiled.safety cimport Safety
from raftfast._compiled.stop cimport Stop
from raftfast._compiled.timeouts cimport Timeouts
from raftfast._compiled.words cimport (
    ANYONE, BLOCK, CRASH, FOLLOWER, FOR_EVENT, FOR_LASTING, FOR_VICTIM, HEAL, LEADER, NOBODY, OFFICE, PARTITION, PAUSE,
    PAYLOAD, PURPOSE, RESTART, RESUME, SAW_DOWN, SAW_PAUSE, SAW_RESTART, SAW_RESUME, SLOW, THE_LEADER, TRANSFER, UNBLOCK,
    apart, apart_int,
)

@cython.final
cdef class Events:
    cdef Rng rng
    cdef Laws laws
    cdef Queue queue
    cdef Journal journal
    cdef Raft raft
    cdef Leases leases
    cdef Timeouts timeouts
    cdef Network network
    cdef Desk desk
    cdef Safety safety
    cdef Census census
    cdef Stop stop
    cdef int nodes, forgets
    cdef readonly int rows
    cdef int[::1] entry, do, every, who, sender, to, lasting, groups, up, eligible, alive
    cdef int64_t[::1] at_low, at_span, by, fired
    @cython.locals(i=int, row=int, key=uint64_t, at=int64_t)
    cdef apart start(self, int crashed) noexcept nogil
    @cython.locals(key=uint64_t, wait=int64_t)
    cdef void come_again(self, int row, int64_t now) noexcept nogil
    @cython.locals(row=int, victim=int, key=uint64_t, over=int64_t, what=int64_t)
    cdef apart_int fire(self, int64_t word, int server, int64_t now) noexcept nogil
    @cython.locals(i=int, who=int, running=int, left=int64_t, key=uint64_t)
    cdef int victim(self, int row) noexcept nogil
    @cython.locals(i=int, found=int)
    cdef int find_leader(self) noexcept nogil
    cdef int reverse(self, int do) noexcept nogil
    @cython.locals(by=int64_t)
    cdef int act(self, int row, int do, int server, int64_t now) noexcept nogil
    @cython.locals(heir=int)
    cdef void transfer(self, int row, int leader, int64_t now) noexcept nogil
    cdef int is_heir(self, int server, int leader) noexcept nogil
    @cython.locals(i=int, heirs=int, left=int64_t)
    cdef int find_heir(self, int row, int leader) noexcept nogil
    @cython.locals(i=int, j=int)
    cdef void part(self, int64_t start, int by) noexcept nogil
    cdef void crash(self, int server, int64_t now) noexcept nogil
    cdef void leave_office(self, int server, int64_t now) noexcept nogil
    @cython.locals(term=int64_t)
    cdef void restart(self, int server, int64_t now) noexcept nogil
    @cython.locals(event=int)
    cdef void pause(self, int server, int paused, int64_t now) noexcept nogil
