cimport cython
from libc.stdint cimport int64_t
from raftfast._compiled.words cimport SAW_RECEIVED
from raftfast._compiled.words cimport apart

@cython.final
cdef class Journal:
    cdef readonly int on, capacity, size, overflowed
    cdef readonly int64_t[::1] rows
    cpdef void clear(self) noexcept nogil
    cpdef void open(self) noexcept nogil
    @cython.locals(i=int)
    cdef apart note(self, int64_t at, int event, int server, int peer, int kind, int64_t term, int64_t word, int64_t arrival) noexcept nogil
    @cython.locals(server=int, peer=int)
    cdef void note_message(self, int64_t at, int event, int64_t what, int64_t term, int64_t arrival) noexcept nogil
