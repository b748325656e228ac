# C types of core/words.py: the same constants, known to the C compiler.
from libc.stdint cimport int64_t, uint64_t

cdef enum:
    FOLLOWER = 0
    PRE_CANDIDATE = 1
    CANDIDATE = 2
    LEADER = 3
    VOTE_REQUEST = 0
    VOTE_RESPONSE = 1
    APPEND_REQUEST = 2
    APPEND_RESPONSE = 3
    PRE_VOTE_REQUEST = 4
    PRE_VOTE_RESPONSE = 5
    TIMEOUT = 6
    OFFICE = 7
    SERVED = 8
    START = 1
    CONTACT = 2
    GRANT = 4
    TERM = 8
    STEP_DOWN = 16
    DEPOSED = 32
    FOLLOW = 64
    PRE_CAMPAIGN = 128
    CAMPAIGN = 256
    LEAD = 512
    LOST = 2048
    EXPIRED = 1024
    HANDED = 4096
    WROTE_CANDIDACY = 1
    WROTE_TERM = 2
    WROTE_VOTE = 4
    WROTE_LEAD = 8
    FOR_ELECTION = 1
    FOR_CANDIDACY = 2
    FOR_LOG = 3
    FOR_PHASE = 4
    FOR_DRIFT = 5
    FOR_CRASH = 6
    FOR_LEADER = 7
    FOR_BROADCAST = 8
    FOR_PROCESS = 9
    FOR_WRITE = 10
    FOR_LATENCY = 11
    FOR_COPY_LATENCY = 12
    FOR_LOSS = 13
    FOR_COPY = 14
    FOR_POLL = 15
    FOR_POLL_PHASE = 16
    FOR_FIRST = 17
    FOR_WINDOW = 18
    FOR_BACKOFF = 19
    FOR_EVENT = 20
    FOR_LASTING = 21
    FOR_VICTIM = 22
    FOR_PAST = 23
    CONSTANT = 0
    UNIFORM = 1
    NORMAL = 2
    EXPONENTIAL = 3
    LOGNORMAL = 4
    PARETO = 5
    MIXTURE = 6
    SAMPLES = 7
    ON_LEADER = 0
    ON_FOLLOWED = 1
    ON_STABLE = 2
    ON_DURATION = 3
    RUNNING = 0
    DONE = 1
    QUEUE_FULL = 2
    TERMS_FULL = 3
    JOURNAL_FULL = 4
    CANCELLED = 5
    SAW_SENT = 0
    SAW_LOST = 1
    SAW_RECEIVED = 2
    SAW_TIMEOUT = 3
    SAW_ROLE = 4
    SAW_TERM = 5
    SAW_VOTE = 6
    SAW_CRASH = 7
    SAW_RESTART = 8
    SAW_PAUSE = 9
    SAW_RESUME = 10
    SAW_DOWN = 11
    TERM_WENT_BACK = 1
    VOTED_TWICE = 2
    TWO_LEADERS = 4
    NO_MAJORITY = 8
    WITH_LEASE = 1
    BY_LOG = 2
    HEARTBEAT_DEAD = 3
    BY_AGE = 1
    UNTIL_TIMEOUT = 2
    FOR_ALL = 1
    FOR_HIGHER = 2
    BY_REJECTIONS = 1
    BY_FAILURES = 2
    BY_LOSSES = 3
    BY_KAFKA = 4
    BY_EWMA = 1
    BY_PHI = 2
    BY_ATEN = 3
    BY_DYNATUNE = 4
    GAPS_MAX = 1000
    LIST_MIN = 10
    LIST_MAX = 1000
    SPREADS = 2
    DEAF_ONCE_IN = 1000
    BEAT_MIN_NS = 1000000
    DECAY = 1
    DECAY_FIXED = 2
    DECAY_AFTER_SKIP = 3
    CRASH = 1
    RESTART = 2
    PAUSE = 3
    RESUME = 4
    TRANSFER = 5
    PARTITION = 6
    HEAL = 7
    BLOCK = 8
    UNBLOCK = 9
    SLOW = 10
    THE_LEADER = -2
    ANYONE = -3
    PLACES = 1048
    BALLOT_WORDS = 16
    TERM_LIMIT = 8388608
    PAYLOAD = 16777216
    WINDOW = 16
    PLAIN_END = 2048
    OCTAVE = 1024
    TALLY_PLACES = 43009
    TALLY_BLOCK = 2048
    FEW = 8
    FEW_AT_ONCE = 255
    FOLDED = 4
    LIMB_BITS = 25
    NO_TERM = -1
    NOBODY = -1
    EVERYONE = -1
    UNANSWERED = -2
    VOTERS = -3
    DUE = -4
    PURPOSE = 16777216

cdef extern from *:
    """
    #define NEVER INT64_C(4611686018427387903)
    #define FAR_NS INT64_C(1000000000000000)
    #define TALLY_END INT64_C(2251799813685248)
    #define TALLY_TRIALS INT64_C(2147483647)
    #define MASK UINT64_C(0xffffffffffffffff)
    #define MIX_1 UINT64_C(0xbf58476d1ce4e5b9)
    #define MIX_2 UINT64_C(0x94d049bb133111eb)
    #define STEP_TRIAL UINT64_C(0xd1342543de82ef95)
    #define STEP_ID UINT64_C(0x9e3779b97f4a7c15)
    #define STEP_ORDINAL UINT64_C(0xd6e8feb86659fd93)
    #define NESTED INT64_C(4294967296)
    #define ONE UINT64_C(1)
    #define BY_TRANSFER INT64_C(274877906944)
    #define SHORT_SPAN INT64_C(2147483648)
    #define OPS_MAX INT64_C(1099511627776)
    #define OPS_END INT64_C(4611686018427387904)
    #define UNIT 0x1.0000000000000p-53
    #define HALF_UNIT 0x1.0000000000000p-52
    static inline int64_t whole(double x) { return (int64_t)x; }
    #if defined(__SIZEOF_INT128__)
    static inline uint64_t fold(uint64_t x, uint64_t y) {
        unsigned __int128 product = (unsigned __int128)x * y;
        return (uint64_t)(product >> 64) ^ (uint64_t)product;
    }
    #else
    static inline uint64_t fold(uint64_t x, uint64_t y) {
        uint64_t low = (x & 0xffffffff) * (y & 0xffffffff), middle = (x >> 32) * (y & 0xffffffff) + (low >> 32);
        uint64_t other = (x & 0xffffffff) * (y >> 32) + (middle & 0xffffffff);
        return ((x >> 32) * (y >> 32) + (middle >> 32) + (other >> 32)) ^ (x * y);
    }
    #endif
    #if defined(__GNUC__)
    typedef uint64_t four __attribute__((vector_size(32)));
    static inline uint64_t pile_words(const int64_t *values, int64_t count) {
        four words = {0, 0, 0, 0}, ones = {1, 1, 1, 1}, next;
        int64_t i = 0;
        for (; i + 4 <= count; i += 4) {
            memcpy(&next, values + i, sizeof next);
            words += ones << (next << 3);
        }
        uint64_t word = words[0] + words[1] + words[2] + words[3];
        for (; i < count; i++) word += UINT64_C(1) << (values[i] << 3);
        return word;
    }
    #else
    static inline uint64_t pile_words(const int64_t *values, int64_t count) {
        uint64_t word = 0;
        for (int64_t i = 0; i < count; i++) word += UINT64_C(1) << (values[i] << 3);
        return word;
    }
    #endif
    #if defined(__GNUC__)
    static inline int bits(uint64_t x) { return 64 - __builtin_clzll(x); }
    #else
    static inline int bits(uint64_t x) { int n = 0; while (x) { n++; x >>= 1; } return n; }
    #endif
    typedef int64_t (*own_function)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, double);
    static inline own_function own_draw(size_t address) { return (own_function)address; }
    #if defined(__GNUC__)
    #define rarely(x) __builtin_expect(!!(x), 0)
    #define apart __attribute__((noinline)) void
    #define apart_int __attribute__((noinline)) int64_t
    #else
    #define rarely(x) (x)
    #define apart void
    #define apart_int int64_t
    #endif
    #if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
    #define vectors __attribute__((target_clones("default", "arch=x86-64-v3"))) void
    #define vectors_int __attribute__((target_clones("default", "arch=x86-64-v3"))) int64_t
    #else
    #define vectors void
    #define vectors_int int64_t
    #endif
    """
    # What a function returns that is kept out of its callers: few come by, and inlined it would
    # cost the others registers.
    ctypedef void apart
    ctypedef int64_t apart_int
    # What a function returns that is a long loop: it is there for several kinds of vectors, and
    # which one runs is up to the machine.
    ctypedef void vectors
    ctypedef int64_t vectors_int
    const int64_t NEVER
    const int64_t FAR_NS
    const int64_t TALLY_END
    const int64_t TALLY_TRIALS
    const uint64_t MASK
    const uint64_t MIX_1
    const uint64_t MIX_2
    const uint64_t STEP_TRIAL
    const uint64_t STEP_ID
    const uint64_t STEP_ORDINAL
    const int64_t NESTED
    const uint64_t ONE
    const int64_t BY_TRANSFER
    const int64_t SHORT_SPAN
    const int64_t OPS_MAX
    const int64_t OPS_END
    const double UNIT
    const double HALF_UNIT
    int64_t whole(double x) noexcept nogil
    uint64_t fold(uint64_t x, uint64_t y) noexcept nogil
    uint64_t pile_words(const int64_t *values, int64_t count) noexcept nogil
    int bits(uint64_t x) noexcept nogil
    bint rarely(bint x) noexcept nogil
    ctypedef int64_t (*own_function)(
        int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, double) noexcept nogil
    own_function own_draw(size_t address) noexcept nogil

cdef inline uint64_t pile(int64_t[::1] values, int64_t start, int64_t end) noexcept nogil:
    return pile_words(&values[start], end - start)
