"""The engine's constants: small integers that travel in arrays, and what must be typed in C.

The compiled twin of this room is `_compiled/words.pxd`; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

# Roles of a server.
FOLLOWER = 0
PRE_CANDIDATE = 1
CANDIDATE = 2
LEADER = 3

# Kinds of message; TIMEOUT is an expired timer that waits its turn in a server's queue, OFFICE the
# end of the write by which a server elects itself, and SERVED is added to the kind of what a server
# has finished processing.
VOTE_REQUEST = 0
VOTE_RESPONSE = 1
APPEND_REQUEST = 2
APPEND_RESPONSE = 3
PRE_VOTE_REQUEST = 4
PRE_VOTE_RESPONSE = 5
TIMEOUT = 6
OFFICE = 7
SERVED = 8

# Why a timer may have to be touched: bits, so that one handler can give several reasons.
START = 1  # the server starts
CONTACT = 2  # an append of its own or a higher term
GRANT = 4  # a vote granted
TERM = 8  # a follower adopted a higher term
STEP_DOWN = 16  # a candidate or pre-candidate stepped down for a higher term
DEPOSED = 32  # a leader stepped down
FOLLOW = 64  # a candidate or pre-candidate now follows a leader or the one it voted for
PRE_CAMPAIGN = 128  # it asks for pre-votes
CAMPAIGN = 256  # it asks for votes
LEAD = 512  # it leads: the heartbeat timer
LOST = 2048  # so many refused that a (pre-)candidate cannot win any more
EXPIRED = 1024  # the handler ran because the timer expired
HANDED = 4096  # the leader asked for the campaign

# What a handler left to be written before anything is sent: bits.
WROTE_CANDIDACY = 1
WROTE_TERM = 2
WROTE_VOTE = 4
WROTE_LEAD = 8

# Purposes of a draw: the upper part of its key (see rng.py), so that no two purposes share luck.
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

# Laws of a random time.
CONSTANT = 0
UNIFORM = 1
NORMAL = 2
EXPONENTIAL = 3
LOGNORMAL = 4
PARETO = 5
MIXTURE = 6
SAMPLES = 7

# Stop rules, and how a trial stands.
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

# What the journal of a traced trial notes.
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

# Invariants of Raft (bits): what a safety check found broken.
TERM_WENT_BACK = 1
VOTED_TWICE = 2
TWO_LEADERS = 4
NO_MAJORITY = 8

# What those go by who are asked for a pre-vote, and what makes a vote stick to a leader.
WITH_LEASE = 1
BY_LOG = 2
HEARTBEAT_DEAD = 3
BY_AGE = 1
UNTIL_TIMEOUT = 2
FOR_ALL = 1
FOR_HIGHER = 2

# What counts as an election lost, and how a target priority comes down.
BY_REJECTIONS = 1
BY_FAILURES = 2
BY_LOSSES = 3
BY_KAFKA = 4
BY_EWMA = 1
BY_PHI = 2
BY_ATEN = 3
BY_DYNATUNE = 4
GAPS_MAX = 1000

# Dynatune's list sizes, standard deviations, and one timeout in so many that hears of no heartbeat.
LIST_MIN = 10
LIST_MAX = 1000
SPREADS = 2
DEAF_ONCE_IN = 1000
BEAT_MIN_NS = 1_000_000

DECAY = 1
DECAY_FIXED = 2
DECAY_AFTER_SKIP = 3

# What is done to a cluster: to servers, and from PARTITION on to links; and to whom.
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

# Limits: places, 64-bit words of a ballot, and a time that never comes (in ns).
PLACES = 1048  # of a column: more than there are servers, and no power of two (cache sets)
BALLOT_WORDS = 16
TERM_LIMIT = 1 << 23  # terms stay below
PAYLOAD = 1 << 24  # in what is delivered, above the kind and the two servers
BY_TRANSFER = 1 << 38  # in what a message carries: a leader hands its office over
WINDOW = 16  # deliveries in flight that are not worth a heap
NEVER = 0x3FFFFFFFFFFFFFFF
FAR_NS = 10**15

# A tally: values below PLAIN_END have a place of their own, an octave above shares OCTAVE places.
PLAIN_END = 1 << 11
OCTAVE = 1 << 10
TALLY_END = 1 << 51  # over twice the longest time there is, in ns
TALLY_PLACES = 43009  # what is missing, plain values, forty octaves
TALLY_BLOCK = 1 << 11  # trials whose squares do not overflow together
TALLY_TRIALS = (1 << 31) - 1
FEW = 8  # smaller values are counted in the bytes of a word,
FEW_AT_ONCE = 255  # as many as a byte can count
FOLDED = 4  # trials to a number of what a digest is over
LIMB_BITS = 25

NO_TERM = -1
NOBODY = -1
EVERYONE = -1
UNANSWERED = -2
VOTERS = -3
DUE = -4

# SplitMix64 (Steele, Lea, Flood 2014; finaliser: Stafford's variant 13) and the steps of the key.
MASK = 0xFFFFFFFFFFFFFFFF
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
STEP_TRIAL = 0xD1342543DE82EF95
STEP_ID = 0x9E3779B97F4A7C15
STEP_ORDINAL = 0xD6E8FEB86659FD93
PURPOSE = 1 << 24  # a link of a kind is kind + from * 16 + to * 16384, below this
NESTED = 1 << 32  # draws within a draw (a mixture's choice), above every purpose
ONE = 1

SHORT_SPAN = 1 << 31
OPS_MAX = 1 << 40  # sends of one kind by one server in a trial, fewer than a year at 1 per 30 us
OPS_END = 1 << 62
UNIT = 1.0 / (1 << 53)
HALF_UNIT = 1.0 / (1 << 52)

whole = int
"""The integer part of a float that is not negative."""

rarely = bool
"""Of a condition: true, but so seldom that the compiler may make that way the longer one."""

bits = int.bit_length
"""How many bits a number above zero has."""


def fold(x: int, y: int) -> int:
    """The upper 64 bits of a product of two 64-bit numbers, exclusive or the lower."""
    product = x * y
    return (product >> 64) ^ (product & MASK)


def pile(values: Sequence[int], start: int, end: int) -> int:
    """How often each number below FEW is among values[start .. end - 1], which are no others and
    FEW_AT_ONCE at most: in a byte each, the lowest for 0."""
    word = 0
    for i in range(start, end):
        word += 1 << (8 * values[i])
    return word


def own_draw(own: Callable[..., int]) -> Callable[..., int]:
    """What a strategy from outside is called by; compiled, its address."""
    return own
