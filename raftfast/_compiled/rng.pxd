cimport cython
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.words cimport MASK, MIX_1, MIX_2, SHORT_SPAN, STEP_ID, STEP_ORDINAL, STEP_TRIAL, UNIT, fold, rarely, whole

@cython.final
cdef class Rng:
    cdef readonly uint64_t base
    cdef uint64_t mix(self, uint64_t x) noexcept nogil
    cpdef void open_trial(self, uint64_t seed, uint64_t trial) noexcept nogil
    @cython.locals(x=uint64_t)
    cpdef int64_t draw(self, uint64_t key, uint64_t ordinal) noexcept nogil
    cdef inline int64_t below_short(self, uint64_t key, uint64_t ordinal, int64_t span) noexcept nogil
    cpdef int64_t below(self, uint64_t key, uint64_t ordinal, int64_t span) noexcept nogil
