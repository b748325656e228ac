cimport cython
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.words cimport (
    FEW, FEW_AT_ONCE, FOLDED, LIMB_BITS, MASK, OCTAVE, PLAIN_END, TALLY_BLOCK, TALLY_END, TALLY_PLACES, TALLY_TRIALS, bits, pile, rarely, vectors, vectors_int,
)

@cython.final
cdef class Tally:
    cdef readonly int overflowed
    cdef readonly int64_t trials
    cdef int columns, sides, censored, twin, alike
    cdef int[::1] counts, lanes
    cdef uint64_t[::1] weights
    cdef int64_t[::1] plain_first, plain_end, least, most, sums, sorted
    @cython.locals(side=int, base=int64_t, place=int64_t, last=int64_t, i=int)
    cpdef void clear(self) noexcept nogil
    cdef void forget(self, int side) noexcept nogil
    @cython.locals(shift=int)
    cdef int64_t place(self, int64_t value) noexcept nogil
    @cython.locals(at=int64_t, until=int64_t)
    cpdef void add(self, int64_t[::1] columns, int64_t stride, int64_t start, int64_t end, uint64_t[::1] sums)
    @cython.locals(i=int64_t, at=int64_t, lag=int64_t, number=uint64_t)
    cpdef void fold(self, uint64_t[::1] sums, uint64_t base, uint64_t[::1] found, int64_t numbers)
    @cython.locals(flags=int64_t, kind=int64_t, mixed=bint, column=int, base=int64_t, differ=int64_t, weight=uint64_t, common=uint64_t)
    cdef void add_block(self, int64_t[::1] columns, int64_t stride, int64_t start, int64_t end, uint64_t[::1] sums) noexcept nogil
    @cython.locals(i=int64_t)
    cdef vectors clear_sums(self, uint64_t[::1] sums, int64_t start, int64_t end) noexcept nogil
    @cython.locals(i=int64_t)
    cdef vectors add_to_sums(self, uint64_t[::1] sums, int64_t start, int64_t end, uint64_t amount) noexcept nogil
    @cython.locals(base=int64_t, differ=int64_t, i=int64_t)
    cdef vectors_int is_first_again(self, int64_t[::1] columns, int64_t stride, int64_t start, int64_t end) noexcept nogil
    @cython.locals(kind=int, side=int, base=int64_t, place=int64_t, last=int64_t, i=int)
    cdef void part_twins(self) noexcept nogil
    @cython.locals(i=int64_t)
    cdef vectors weigh(self, int64_t[::1] columns, int64_t base, int64_t start, int64_t end, uint64_t weight, uint64_t[::1] sums) noexcept nogil
    @cython.locals(value=int64_t, differ=int64_t, i=int64_t)
    cdef vectors_int differ(self, int64_t[::1] values, int64_t start, int64_t end) noexcept nogil
    @cython.locals(ended=int64_t, cut=int64_t, i=int64_t, kind=int64_t, differ=int64_t)
    cdef void count_mixed(self, int column, int64_t[::1] columns, int64_t base, int64_t start, int64_t end, int64_t flags) noexcept nogil
    @cython.locals(most=int64_t)
    cdef void count(self, int side, int64_t[::1] values, int64_t start, int64_t end, int64_t differ) noexcept nogil
    @cython.locals(base=int64_t, first=int64_t, last=int64_t, at=int64_t, until=int64_t, word=uint64_t, value=int64_t, times=int)
    cdef vectors count_few(self, int side, int64_t[::1] values, int64_t start, int64_t end) noexcept nogil
    @cython.locals(i=int64_t, base=int64_t, first=int64_t, last=int64_t, value=int64_t, times=int, lane=int)
    cdef void count_plain(self, int side, int64_t[::1] values, int64_t start, int64_t end, int64_t most) noexcept nogil
    @cython.locals(place=int64_t, low=int64_t, high=int64_t)
    cdef void count_run(self, int side, int64_t value, int64_t times) noexcept nogil
    @cython.locals(base=int64_t, first=int64_t, last=int64_t, i=int64_t, value=int64_t, place=int64_t, shift=int)
    cdef vectors count_each(self, int side, int64_t[::1] values, int64_t start, int64_t end) noexcept nogil
    @cython.locals(least=int64_t, most=int64_t, total=int64_t, lows=int64_t, mixed=int64_t, highs=int64_t, i=int64_t, value=int64_t, large=int64_t, small=int64_t, low=int64_t, high=int64_t)
    cdef vectors_int sum_large(self, int side, int64_t[::1] values, int64_t start, int64_t end) noexcept nogil
    cdef void note_extremes(self, int side, int64_t least, int64_t most) noexcept nogil
    cdef void sum_up(self, int side, int64_t total, int64_t lows, int64_t mixed, int64_t highs) noexcept nogil
    cdef inline void carry(self, int i, int64_t amount) noexcept nogil
    @cython.locals(size=int64_t, side=int, base=int64_t, first=int64_t, last=int64_t)
    cpdef int64_t read_places(self, int64_t[::1] found, int64_t capacity) noexcept nogil
    @cython.locals(key=int64_t, times=int64_t)
    cdef int64_t read_range(self, int64_t[::1] found, int64_t capacity, int64_t size, int64_t start, int64_t end) noexcept nogil
    @cython.locals(n=int, side=int, i=int)
    cpdef int read_sums(self, int64_t[::1] found) noexcept nogil
