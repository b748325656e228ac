cimport cython
from libc.stdint cimport int64_t
from raftfast._compiled.words cimport NEVER, OFFICE, SERVED, TERM_LIMIT, WINDOW, rarely
from raftfast._compiled.words cimport apart, apart_int

@cython.final
cdef class Queue:
    cdef readonly int64_t next_at, term
    cdef int near, first, size, capacity
    cdef readonly int overflowed
    cdef int64_t sequence
    cdef int64_t[WINDOW] window_at, window_what, window_tag
    cdef int64_t[::1] heap_at, heap_what, heap_tag
    cpdef void clear(self) noexcept nogil
    @cython.locals(tag=int64_t, i=int, first=int, soonest=int64_t)
    cpdef void push(self, int64_t at, int64_t what, int64_t term) noexcept nogil
    @cython.locals(i=int, last=int, first=int, soonest=int64_t, at=int64_t, what=int64_t)
    cpdef int64_t pop(self) noexcept nogil
    @cython.locals(i=int, kept=int, size=int)
    cdef apart withdraw(self, int server) noexcept nogil
    cdef int is_own(self, int64_t what, int server) noexcept nogil
    @cython.locals(i=int, office=int64_t)
    cdef apart_int awaits_office(self, int server) noexcept nogil
    @cython.locals(i=int)
    cdef apart push_far(self, int64_t at, int64_t what, int64_t tag) noexcept nogil
    @cython.locals(what=int64_t)
    cdef apart_int pop_far(self) noexcept nogil
    @cython.locals(i=int, p=int)
    cdef void push_heap(self, int64_t at, int64_t what, int64_t tag) noexcept nogil
    @cython.locals(last=int, at=int64_t, tag=int64_t, i=int, c=int, best=int64_t)
    cdef void pop_heap(self) noexcept nogil
