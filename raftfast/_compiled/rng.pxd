cimport cython
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.words cimport MASK, MIX_1, MIX_2, STEP_ID, STEP_ORDINAL, STEP_TRIAL

@cython.final
cdef class Rng:
    cdef readonly uint64_t base
    cdef uint64_t mix(self, uint64_t x) noexcept nogil
    cpdef void open_trial(self, uint64_t seed, uint64_t trial) noexcept nogil
    @cython.locals(x=uint64_t)
    cpdef int64_t draw(self, uint64_t key, uint64_t ordinal) noexcept nogil
