cimport cython
from libc.stdint cimport int64_t
from raftfast._compiled.words cimport CAMPAIGN, HANDED, PRE_CAMPAIGN, apart, rarely

@cython.final
cdef class Census:
    cdef int64_t terms, first_term, highest
    cdef readonly int overflowed
    cdef signed char[::1] campaigned
    cdef int64_t campaigns, pre_campaigns, needless, distinct_terms, led_terms, in_office
    cdef int64_t first_term_candidates, detect_ns, vacant_since_ns, unavailable_ns
    cdef readonly int64_t offices
    cdef int nodes, forgetful
    cdef signed char[::1] stood
    @cython.locals(i=int)
    cpdef void expect_forgetting(self) noexcept nogil
    @cython.locals(term=int64_t)
    cpdef void clear(self, int64_t first_term) noexcept nogil
    cpdef void note_campaign(self, int server, int reasons, int64_t term, int64_t now) noexcept nogil
    cdef apart note_again(self, int server, int64_t term) noexcept nogil
    cdef void begin_led(self) noexcept nogil
    cpdef void note_office(self, int first_of_term, int64_t at) noexcept nogil
    cpdef void note_resignation(self, int64_t at) noexcept nogil
    cpdef void close(self, int64_t at) noexcept nogil
