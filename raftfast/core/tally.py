"""How often each column of a batch took each value: what is kept of trials that nobody stores."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import (
        FEW,
        FEW_AT_ONCE,
        FOLDED,
        LIMB_BITS,
        MASK,
        OCTAVE,
        PLAIN_END,
        TALLY_BLOCK,
        TALLY_END,
        TALLY_PLACES,
        TALLY_TRIALS,
        bits,
        pile,
        rarely,
    )


class Tally:
    """Counts of the values of `columns` columns, until `clear`.

    A side is a column over the trials that ended (2 * column) or over those that were censored
    (2 * column + 1), for which the column `censored` is 1. Of each side it is counted how many
    values fall into each of TALLY_PLACES places: 0 is for what is missing (below zero), 1 + v for
    a plain value v < PLAIN_END, and a large one shares its place with the others that have its
    first eleven bits: OCTAVE places for each power of two. Of the large values of a side the least,
    the most, the sum and the sum of squares are exact, so that with the counts those of all are.

    `overflowed` says that a value was TALLY_END or more, or the trials more than TALLY_TRIALS: what
    is there then is of no use. Sums are kept in two limbs, the lower one of LIMB_BITS bits, so that
    neither backend rounds or wraps around: the order in which trials come does not matter.

    The column `twin` often is the first one again, in every trial: as long as it is (`alike`), it
    is not counted apart.

    In passing it sums up each trial's values, times a weight of each column: what a digest is over,
    after `fold`.
    """

    def __init__(
        self, columns: int, censored: int, twin: int, weights: array[int], counts: array[int]
    ) -> None:
        """`counts` are TALLY_PLACES zeros for each side: from who can have memory without touching
        it, as most places are never used."""
        sides = 2 * columns
        self.weights = weights
        self.sides = sides
        self.columns = columns
        self.censored = censored
        self.twin = twin
        self.alike = 1
        self.trials = 0
        self.overflowed = 0
        self.counts = counts
        # Which places may not be empty, so that nobody looks at the others.
        self.plain_first = array("q", bytes(8 * sides))
        self.plain_end = array("q", bytes(8 * sides))
        self.least = array("q", bytes(8 * sides))
        self.most = array("q", bytes(8 * sides))
        self.sums = array("q", bytes(64 * sides))
        self.sorted = array("q", bytes(16 * TALLY_BLOCK))
        self.lanes = array("i", bytes(16 * PLAIN_END))
        for side in range(sides):
            self.forget(side)

    def clear(self) -> None:
        """Forget everything; it takes as long as there are places between those in use."""
        self.trials = 0
        self.overflowed = 0
        self.alike = 1
        for side in range(self.sides):
            base = side * TALLY_PLACES
            for place in range(self.plain_first[side], self.plain_end[side]):
                self.counts[base + place] = 0
            if self.most[side] > 0:
                last = self.place(self.most[side])
                for place in range(self.place(self.least[side]), last + 1):
                    self.counts[base + place] = 0
                for i in range(8 * side, 8 * side + 8):
                    self.sums[i] = 0
            self.forget(side)

    def forget(self, side: int) -> None:
        self.plain_first[side] = TALLY_PLACES
        self.plain_end[side] = 0
        self.least[side] = TALLY_END
        self.most[side] = 0

    def place(self, value: int) -> int:
        """Where a large value is counted."""
        shift = bits(value) - 11
        return 1 + shift * OCTAVE + (value >> shift)

    def add(self, columns: array[int], stride: int, start: int, end: int, sums: array[int]) -> None:
        """Count trials start .. end - 1; column c of trial i is `columns[c * stride + i]`.

        The weighted sum of trial i's columns, modulo 2**64, is written to `sums[i]`.
        """
        if self.trials + (end - start) > TALLY_TRIALS:
            self.overflowed = 1
            return
        self.trials += end - start
        with cython.nogil:
            at = start
            while at < end:
                until = at + TALLY_BLOCK
                if until > end:
                    until = end
                self.add_block(columns, stride, at, until, sums)
                at = until

    def fold(self, sums: array[int], base: int, found: array[int], numbers: int) -> None:
        """Make so many numbers of FOLDED sums each: found[i] is the polynomial in `base`, modulo
        2**64, whose coefficients are sums[FOLDED * i] and on, the first the constant one."""
        with cython.nogil:
            for i in range(numbers):
                number = 0
                at = FOLDED * i + FOLDED - 1
                for lag in range(FOLDED):
                    number = (number * base + sums[at - lag]) & MASK
                found[i] = number

    def add_block(
        self, columns: array[int], stride: int, start: int, end: int, sums: array[int]
    ) -> None:
        """Count at most TALLY_BLOCK trials, after sorting them by their kind if that is mixed."""
        flags = self.censored * stride
        kind = 1 if columns[flags + start] != 0 else 0
        mixed = self.differ(columns, flags + start, flags + end) != 0
        if self.alike and not self.is_first_again(columns, stride, start, end):
            self.part_twins()
        common = 0
        self.clear_sums(sums, start, end)
        for column in range(self.columns):
            base = column * stride
            if column == self.twin and self.alike:
                self.weigh(columns, base, start, end, self.weights[column], sums)
                continue
            differ = self.differ(columns, base + start, base + end)
            weight = self.weights[column]
            if differ == 0:
                common = (common + weight * columns[base + start]) & MASK
            else:
                self.weigh(columns, base, start, end, weight, sums)
            if mixed:
                self.count_mixed(column, columns, base, start, end, flags)
            else:
                self.count(2 * column + kind, columns, base + start, base + end, differ)
        self.add_to_sums(sums, start, end, common)

    def clear_sums(self, sums: array[int], start: int, end: int) -> None:
        for i in range(start, end):
            sums[i] = 0

    def add_to_sums(self, sums: array[int], start: int, end: int, amount: int) -> None:
        for i in range(start, end):
            sums[i] = (sums[i] + amount) & MASK

    def is_first_again(self, columns: array[int], stride: int, start: int, end: int) -> int:
        """Whether trials start .. end - 1 have in the column `twin` what they have in the first."""
        base = self.twin * stride
        differ = 0
        for i in range(start, end):
            differ |= columns[i] ^ columns[base + i]
        return 1 if differ == 0 else 0

    def part_twins(self) -> None:
        """Count for the column `twin` what was counted for the first, and count it from now on."""
        self.alike = 0
        for kind in range(2):
            side = 2 * self.twin + kind
            base = side * TALLY_PLACES
            for place in range(self.plain_first[kind], self.plain_end[kind]):
                self.counts[base + place] = self.counts[kind * TALLY_PLACES + place]
            self.plain_first[side] = self.plain_first[kind]
            self.plain_end[side] = self.plain_end[kind]
            if self.most[kind] > 0:
                last = self.place(self.most[kind])
                for place in range(self.place(self.least[kind]), last + 1):
                    self.counts[base + place] = self.counts[kind * TALLY_PLACES + place]
                self.least[side] = self.least[kind]
                self.most[side] = self.most[kind]
                for i in range(8):
                    self.sums[8 * side + i] = self.sums[8 * kind + i]

    def weigh(
        self,
        columns: array[int],
        base: int,
        start: int,
        end: int,
        weight: int,
        sums: array[int],
    ) -> None:
        """Add a column of trials start .. end - 1, times a weight, to their sums."""
        for i in range(start, end):
            sums[i] = (sums[i] + weight * columns[base + i]) & MASK

    def differ(self, values: array[int], start: int, end: int) -> int:
        """In which bits values[start .. end - 1] are not all alike; there is one at least."""
        value = values[start]
        differ = 0
        for i in range(start, end):
            differ |= values[i] ^ value
        return differ

    def count_mixed(
        self, column: int, columns: array[int], base: int, start: int, end: int, flags: int
    ) -> None:
        """Count a column's values apart by what `flags` says of their trials; both kinds occur."""
        ended = 0
        cut = TALLY_BLOCK
        for i in range(start, end):
            self.sorted[ended] = columns[base + i]
            self.sorted[cut] = columns[base + i]
            kind = 1 if columns[flags + i] != 0 else 0
            ended += 1 - kind
            cut += kind
        differ = self.differ(self.sorted, 0, ended)
        self.count(2 * column, self.sorted, 0, ended, differ)
        differ = self.differ(self.sorted, TALLY_BLOCK, cut)
        self.count(2 * column + 1, self.sorted, TALLY_BLOCK, cut, differ)

    def count(self, side: int, values: array[int], start: int, end: int, differ: int) -> None:
        """Count values[start .. end - 1], which differ in these bits.

        Many columns are constant, and many of the others have small values only.
        """
        # No value is above all bits of any, and none is below zero if these are not.
        most = values[start] | differ
        if differ == 0:
            self.count_run(side, values[start], end - start)
        elif 0 <= most < FEW:
            self.count_few(side, values, start, end)
        elif 0 <= most < PLAIN_END and most < 4 * (end - start):
            self.count_plain(side, values, start, end, most)
        else:
            self.count_each(side, values, start, end)

    def count_few(self, side: int, values: array[int], start: int, end: int) -> None:
        """Count values from 0 to FEW - 1, which most columns have."""
        base = side * TALLY_PLACES + 1
        first = self.plain_first[side]
        last = self.plain_end[side] - 1
        at = start
        while at < end:
            until = at + FEW_AT_ONCE
            if until > end:
                until = end
            word = pile(values, at, until)
            value = 0
            while word != 0:
                times = word & FEW_AT_ONCE
                if times != 0:
                    self.counts[base + value] += times
                    first = value + 1 if value + 1 < first else first
                    last = value + 1 if value + 1 > last else last
                word >>= 8
                value += 1
            at = until
        self.plain_first[side] = first
        self.plain_end[side] = last + 1

    def count_plain(self, side: int, values: array[int], start: int, end: int, most: int) -> None:
        """Count values from 0 to `most`, which is plain.

        There are four counts of each, in turns: to add to what was added to just now takes several
        times as long.
        """
        i = start
        while i + 4 <= end:
            self.lanes[values[i]] += 1
            self.lanes[values[i + 1] + PLAIN_END] += 1
            self.lanes[values[i + 2] + 2 * PLAIN_END] += 1
            self.lanes[values[i + 3] + 3 * PLAIN_END] += 1
            i += 4
        while i < end:
            self.lanes[values[i]] += 1
            i += 1
        base = side * TALLY_PLACES + 1
        first = TALLY_PLACES
        last = 0
        for value in range(most + 1):
            times = 0
            for lane in range(4):
                times += self.lanes[value + lane * PLAIN_END]
                self.lanes[value + lane * PLAIN_END] = 0
            if times != 0:
                self.counts[base + value] += times
                last = value + 1
                if first > last:
                    first = last
        if first < self.plain_first[side]:
            self.plain_first[side] = first
        if last >= self.plain_end[side]:
            self.plain_end[side] = last + 1

    def count_run(self, side: int, value: int, times: int) -> None:
        """Count one value several times."""
        if value < PLAIN_END:
            place = value + 1 if value >= 0 else 0
            if place < self.plain_first[side]:
                self.plain_first[side] = place
            if place >= self.plain_end[side]:
                self.plain_end[side] = place + 1
        elif value >= TALLY_END:
            self.overflowed = 1
            return
        else:
            place = self.place(value)
            low = value & ((1 << LIMB_BITS) - 1)
            high = value >> LIMB_BITS
            self.note_extremes(side, value, value)
            self.sum_up(
                side, value * times, low * low * times, low * high * times, high * high * times
            )
        self.counts[side * TALLY_PLACES + place] += times

    def count_each(self, side: int, values: array[int], start: int, end: int) -> None:
        """Count values of any kind."""
        if rarely(not self.sum_large(side, values, start, end)):
            self.overflowed = 1
            return
        base = side * TALLY_PLACES
        first = self.plain_first[side]
        last = self.plain_end[side] - 1
        for i in range(start, end):
            value = values[i]
            if value < PLAIN_END:
                place = value + 1 if value >= 0 else 0
                first = place if place < first else first
                last = place if place > last else last
            else:
                shift = bits(value) - 11
                place = 1 + shift * OCTAVE + (value >> shift)
            self.counts[base + place] += 1
        self.plain_first[side] = first
        self.plain_end[side] = last + 1

    def sum_large(self, side: int, values: array[int], start: int, end: int) -> int:
        """Add the large ones of some values to what is exact of a side, if all can be counted;
        whether they can."""
        least = TALLY_END
        most = 0
        total = 0
        lows = 0
        mixed = 0
        highs = 0
        for i in range(start, end):
            value = values[i]
            large = value if value >= PLAIN_END else 0
            small = value if value >= PLAIN_END else TALLY_END
            least = small if small < least else least
            most = large if large > most else most
            # Only of what cannot be counted are there more bits.
            low = large & ((1 << LIMB_BITS) - 1)
            high = (large & (TALLY_END - 1)) >> LIMB_BITS
            total += large & (TALLY_END - 1)
            lows += low * low
            mixed += low * high
            highs += high * high
        if most >= TALLY_END:
            return 0
        if most > 0:
            self.note_extremes(side, least, most)
            self.sum_up(side, total, lows, mixed, highs)
        return 1

    def note_extremes(self, side: int, least: int, most: int) -> None:
        if least < self.least[side]:
            self.least[side] = least
        if most > self.most[side]:
            self.most[side] = most

    def sum_up(self, side: int, total: int, lows: int, mixed: int, highs: int) -> None:
        """Add to the sums of a side: of its values, and of products of their lower LIMB_BITS bits
        and of what is above."""
        self.carry(8 * side, total)
        self.carry(8 * side + 2, lows)
        self.carry(8 * side + 4, mixed)
        self.carry(8 * side + 6, highs)

    def carry(self, i: int, amount: int) -> None:
        """Add to a sum; its lower limb takes less than 2**25 a time, TALLY_TRIALS times at most."""
        self.sums[i] += amount & ((1 << LIMB_BITS) - 1)
        self.sums[i + 1] += amount >> LIMB_BITS

    def read_places(self, found: array[int], capacity: int) -> int:
        """Write what place was used to `found`, ascending, and from `capacity` on how often.

        A place is written as side * TALLY_PLACES + place. Returns how many there are; those beyond
        `capacity` are not written. While the column `twin` is `alike`, it has none.
        """
        size = 0
        for side in range(self.sides):
            base = side * TALLY_PLACES
            first = base + self.plain_first[side]
            last = base + self.plain_end[side]
            size = self.read_range(found, capacity, size, first, last)
            if self.most[side] > 0:
                first = base + self.place(self.least[side])
                last = base + self.place(self.most[side]) + 1
                size = self.read_range(found, capacity, size, first, last)
        return size

    def read_range(self, found: array[int], capacity: int, size: int, start: int, end: int) -> int:
        """Write which of counts[start .. end - 1] are not zero."""
        for key in range(start, end):
            times = self.counts[key]
            if times != 0:
                if size < capacity:
                    found[size] = key
                    found[capacity + size] = times
                size += 1
        return size

    def read_sums(self, found: array[int]) -> int:
        """Write eleven numbers for each side with large values, and return how many sides.

        They are the side, its least and its most large value, and the limbs (low, high) of the four
        sums. `found` must hold eleven for every side. While the column `twin` is `alike`, it has
        none.
        """
        n = 0
        for side in range(self.sides):
            if self.most[side] > 0:
                found[n] = side
                found[n + 1] = self.least[side]
                found[n + 2] = self.most[side]
                for i in range(8):
                    found[n + 3 + i] = self.sums[8 * side + i]
                n += 11
        return n // 11
