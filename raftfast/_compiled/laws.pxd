cimport cython
from libc.math cimport exp, log, sqrt
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.rng cimport Rng
from raftfast._compiled.words cimport (
    CONSTANT, EXPONENTIAL, FAR_NS, HALF_UNIT, LOGNORMAL, MIXTURE, NESTED, NORMAL, PARETO, SAMPLES,
    UNIFORM, UNIT, whole,
)

@cython.final
cdef class Laws:
    cdef Rng rng
    cdef Py_ssize_t size
    cdef int[::1] kind, first, start, count
    cdef int64_t[::1] base
    cdef double[::1] a, b, c, pool
    cpdef bint is_plain(self, int row) noexcept nogil
    cpdef int64_t low_of(self, int row) noexcept nogil
    cpdef int64_t span_of(self, int row) noexcept nogil
    @cython.locals(base=int64_t, u=double, i=int64_t, last=int64_t, kind=int, draw=int64_t, x=double)
    cpdef int64_t sample(self, int row, uint64_t key, uint64_t ordinal) noexcept nogil
    cdef double invert(self, int row, int kind, double u) noexcept nogil
    cdef double power(self, double x) noexcept nogil
    @cython.locals(q=double, r=double, top=double, low=double, x=double)
    cpdef double normal_quantile(self, double u) noexcept nogil
