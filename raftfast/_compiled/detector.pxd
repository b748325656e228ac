cimport cython
from libc.math cimport sqrt
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.tuning cimport Tuning
from raftfast._compiled.words cimport BY_ATEN, BY_DYNATUNE, BY_EWMA, BY_PHI, GAPS_MAX, apart, apart_int, whole

@cython.final
cdef class Detector:
    cdef readonly Tuning tuning
    cdef int nodes
    cdef readonly int kind
    cdef int64_t heartbeat_ns
    cdef int64_t[::1] gaps, count, last, total
    cdef double[::1] average, squares
    cpdef void start(self, int server, int64_t now) noexcept nogil
    cpdef void hear(self, int server, int64_t now) noexcept nogil
    @cython.locals(place=int64_t, old=int64_t)
    cdef void learn(self, int server, int64_t gap) noexcept nogil
    @cython.locals(wait=double, known=int64_t, mean=double, variance=double, deviation=double)
    cpdef int64_t silence(self, int server) noexcept nogil
    @cython.locals(rank=int64_t, bound=int64_t, base=int64_t, left=int64_t, above=int64_t, gap=int64_t, same=int64_t, i=int64_t)
    cdef int64_t largest(self, int server, int64_t known) noexcept nogil
