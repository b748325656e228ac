"""Files of measured latencies: one-way samples, what `ping` prints, tables between servers."""

from __future__ import annotations

import csv
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from .errors import InputError

MS_MAX = 1e9
"""No time may be longer, in milliseconds; the contract's limit."""

_BYTES_MAX = 64 * 2**20
_SEQUENCES = 2**16
ONE_WAY = ("one_way_ms", "latency_ms")
_UNUSED = ("", "-", "nan")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_MEANT_AS_NUMBER = re.compile(r"[+-]?[.,]?\d[\d.,]*(?:[eE][+-]?\d+)?\s*[^\W\d]{0,4}")  # "1,5ms"
_IPV4 = re.compile(r"\d+(?:\.\d+){3}")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_OTHER_QUANTITY = re.compile(
    r"rtt|round.?trip|(?:_|\b)(?:ns|us|µs|s|sec|secs|seconds)\b", re.IGNORECASE
)
_PING_FORM = "'64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.43 ms' (English: LC_ALL=C ping ...)"

# What the pings of Linux (iputils), macOS and BSD, busybox and Windows print.
_HEADER = re.compile(r"(?:^|\s)(?:[Pp](?:ING|ing) \S+ ?\(|PING6\(|PING \S+: \d+ data|Pinging \S)")
_FROM_ZERO = re.compile(r"\): \d+ data bytes|PING6\(|PING \S+: \d+ data")
_SUMMARY = re.compile(r"(\d+) packets? transmitted, (\d+) (?:packets? )?received")
_WINDOWS_SUMMARY = re.compile(r"Packets: Sent = (\d+), Received = (\d+)")
_TIME = re.compile(r"\btime ?([=<]) ?(\d+(?:[.,]\d+)?) ?ms\b")
_SEQUENCE = re.compile(r"\b(?:icmp_)?(?:seq|req)[= ](\d+)")
_WINDOWS_FAILURES = ("Request timed out", "Destination ", "General failure", "PING: transmit")


@dataclass(frozen=True)
class _File:
    """A text file that was read: its name for errors, its lines, and where its name was given."""

    name: str
    key: str
    source: str | None
    lines: tuple[str, ...] = ()

    def fail(self, problem: str, line: int | None = None) -> InputError:
        """Return the error for `problem`, at a line counted from 1 if one is to blame."""
        at = "" if line is None else f" line {line}"
        return InputError(f"{self.name}{at}: {problem}", key=self.key, source=self.source)


@dataclass
class _Run:
    """One run of `ping`, as far as its output has been read.

    Requests are numbered without the wrap at 65536. Windows prints no numbers; its requests are
    counted by their lines alone.
    """

    first: int | None = None
    highest: int | None = None
    lowest: int = 0
    answered: set[int] = field(default_factory=set)
    unnumbered: int = 0
    unnumbered_answered: int = 0
    not_replies: int = 0
    summary: tuple[int, int] | None = None
    closed: bool = False

    def index(self, sequence: int) -> int:
        """Return the number of the request nearest to the latest one that carries `sequence`."""
        if self.highest is None:
            return sequence
        half = _SEQUENCES // 2
        return self.highest + (sequence - self.highest + half) % _SEQUENCES - half

    def mention(self, sequence: int) -> int:
        """Note that a request was sent; return its number."""
        index = self.index(sequence)
        self.lowest = index if self.highest is None else min(self.lowest, index)
        self.highest = index if self.highest is None else max(self.highest, index)
        return index

    def counts(self) -> tuple[int, int]:
        """Return (requests sent, requests answered): as the summary says, else by the lines."""
        if self.summary is not None:
            sent, received = self.summary
            # Windows counts a router's "Destination host unreachable" as received.
            replied = max(received - self.not_replies, min(received, self.unnumbered_answered))
            return sent, min(sent, replied)
        sent = self.unnumbered
        if self.highest is not None:
            # Without the line that opens a run its first requests may have been cut away.
            first = self.lowest if self.first is None else min(self.first, self.lowest)
            sent += self.highest - first + 1
        return sent, len(self.answered) + self.unnumbered_answered


def read_samples(
    path: object, *, key: str, folder: Path, source: str | None, columns: tuple[str, ...] = ONE_WAY
) -> tuple[float, ...]:
    """Return the times of a CSV file in milliseconds, in the order of the file.

    One column of numbers, with or without a heading, or several columns (comma, semicolon or tab)
    of which the heading calls one by a name in `columns`. Blank lines and comments (#) are
    skipped. Raises InputError that names the file, and the line where one is to blame; a heading
    of a single column that speaks of round trips or of another unit is refused.
    """
    file = _load(path, key=key, folder=folder, source=source)
    rows = _cells(file, spaces=False)
    line, first = rows[0]
    width = len(first)
    column = 0
    wanted = " or ".join(columns)
    if any(cell[:1].isalpha() or cell[:1] == "_" for cell in first) and not any(
        _NUMBER.fullmatch(cell) or _NOT_FINITE.fullmatch(cell) for cell in first
    ):
        column = _sample_column(file, line, first, columns)
        rows = rows[1:]
    elif width > 1:
        raise file.fail(f"has {width} columns; want one, or a heading {wanted}", line)
    if not rows:
        raise file.fail("holds a heading and no samples")
    values_ms: list[float] = []
    for line, cells in rows:
        if len(cells) != width:
            raise file.fail(f"want {width} column(s), found {len(cells)}", line)
        values_ms.append(_milliseconds(file, line, cells[column]))
    return tuple(values_ms)


def read_ping(
    path: object, *, key: str, folder: Path, source: str | None
) -> tuple[tuple[float, ...], float]:
    """Return (one-way delays in milliseconds, share of requests answered) of saved ping output.

    A delay is half a round trip; `time<1ms`, a time below what that ping resolves, counts as
    half of its bound. Duplicates (DUP!) are neither samples nor answers. The share, in (0, 1], is
    the summaries' received / transmitted; a run without one (a killed ping) is counted by its
    sequence numbers, from the first where its opening line is there, up to the last one printed.
    Of several runs in one file the requests and the answers are added up.

    Raises InputError if the file cannot be read, holds no reply, or contradicts its own summary.
    """
    file = _load(path, key=key, folder=folder, source=source)
    runs = [_Run()]
    one_way_ms: list[float] = []
    for number, line in enumerate(file.lines, 1):
        if not _opens_or_closes(runs, line):
            round_trip_ms = _note(runs, line)
            if round_trip_ms is not None:
                if round_trip_ms > 2 * MS_MAX:
                    raise file.fail(f"a round trip of {round_trip_ms:g} ms is too long", number)
                one_way_ms.append(round_trip_ms / 2)
    counts = [run.counts() for run in runs]
    sent = sum(count[0] for count in counts)
    answered = sum(count[1] for count in counts)
    if not one_way_ms:
        raise file.fail(_why_no_reply(sent, answered))
    if not answered:
        raise file.fail(f"its summary says 0 received, yet it holds {len(one_way_ms)} replies")
    return tuple(one_way_ms), answered / sent


def read_matrix(
    path: str, *, key: str, folder: Path, source: str | None, round_trip: bool
) -> tuple[tuple[float, ...], ...]:
    """Return the square table of one-way delays in milliseconds; entry [i][j] is from i to j.

    The file is numbers set apart by commas, semicolons, tabs or spaces, with or without a heading
    row and a first column of names; blank lines and comments (#) are skipped. The diagonal is
    never used and comes back as 0.0, be it a number, empty, "-" or "nan". With `round_trip` the
    entries are round trips and are halved.

    Raises InputError that names the file, and the line, or row and column, that is wrong: not
    square, ragged, not a number, missing off the diagonal, negative, over 1e9, names of rows and
    columns that differ, and headings 0, 1, 2, ... that cannot be told from data.
    """
    file = _load(path, key=key, folder=folder, source=source)
    heading, names, rows = _without_headings(file, _cells(file, spaces=True))
    width = len(rows[0][1])
    for line, cells in rows:
        if len(cells) != width:
            raise file.fail(f"has {len(cells)} entries, the first row {width}", line)
    if len(rows) != width:
        raise file.fail(f"want as many rows as columns, found {len(rows)} x {width}")
    names = _agreed_names(file, heading, names, [cells for _, cells in rows])
    share = 0.5 if round_trip else 1.0
    table: list[tuple[float, ...]] = []
    for i, (line, cells) in enumerate(rows):
        entries_ms: list[float] = []
        for j, cell in enumerate(cells):
            if i == j and cell.lower() in _UNUSED:
                entries_ms.append(0.0)
                continue
            where = f"row {_place(i, names)}, column {_place(j, names)}: "
            entry_ms = _milliseconds(file, line, cell, where)
            entries_ms.append(0.0 if i == j else share * entry_ms)
        table.append(tuple(entries_ms))
    return tuple(table)


def _load(path: object, *, key: str, folder: Path, source: str | None) -> _File:
    """Return the lines of a text file: UTF-8, or UTF-16 with its mark, as PowerShell writes it."""
    if not isinstance(path, str | Path) or not str(path).strip():
        problem = f"want the name of a file in quotes, not {repr(path)[:60]}"
        raise InputError(problem, key=key, source=source)
    file = _File(str(path), key, source)
    try:
        full = folder / Path(path).expanduser()
        file = _File(str(full), key, source)
        about = full.stat()
        if stat.S_ISDIR(about.st_mode):
            raise file.fail("is a directory, want a file")
        if not stat.S_ISREG(about.st_mode):
            raise file.fail("is not a regular file")
        if about.st_size > _BYTES_MAX:
            raise file.fail(f"is over {_BYTES_MAX // 2**20} MiB, too much to read")
        content = full.read_bytes()
    except FileNotFoundError:
        raise file.fail("no such file") from None
    except OSError as error:
        raise file.fail(f"cannot be read: {error.strerror or error}") from None
    except (ValueError, RuntimeError) as error:  # A NUL in the name; a "~user" nobody knows.
        raise file.fail(f"is no usable file name: {error}") from None
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise file.fail("is not a text file (want UTF-8)") from None
    if "\0" in text:
        raise file.fail("is a binary file, want text")
    if not text.strip():
        raise file.fail("is empty")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _File(file.name, key, source, tuple(lines))


def _cells(file: _File, *, spaces: bool) -> list[tuple[int, list[str]]]:
    """Return (line number, cells) of every line that has any; never an empty list.

    The whole file has one delimiter: the first of semicolon, tab and comma that occurs outside
    comments. Without any, a line is one cell, or with `spaces` as many as are set apart by them.
    """
    contents = [(i, _COMMENT.sub("", line)) for i, line in enumerate(file.lines, 1)]
    contents = [(i, content) for i, content in contents if content.strip()]
    if not contents:
        raise file.fail("holds comments and no numbers")
    delimiter = next((d for d in ";\t," if any(d in content for _, content in contents)), None)
    rows: list[tuple[int, list[str]]] = []
    for line, content in contents:
        if delimiter is None:
            cells = content.split() if spaces else [content]
            cells = [cell.strip().strip('"') for cell in cells]
        else:
            try:
                (cells,) = csv.reader([content], delimiter=delimiter, skipinitialspace=True)
            except csv.Error as error:
                raise file.fail(f"is not CSV: {error}", line) from None
            cells = [cell.strip() for cell in cells]
        rows.append((line, cells))
    return rows


def _milliseconds(file: _File, line: int, cell: str, where: str = "") -> float:
    """Return the time a cell holds; raise for what is no number, negative, or too long."""
    if not cell or (where and cell.lower() in _UNUSED):
        raise file.fail(f"{where}a latency is missing here", line)
    if not _NUMBER.fullmatch(cell):
        raise file.fail(f"{where}{cell[:40]!r} is not a number of milliseconds", line)
    value_ms = float(cell) + 0.0
    if not 0.0 <= value_ms <= MS_MAX:
        raise file.fail(f"{where}{cell[:40]} is not from 0 to {MS_MAX:g} ms", line)
    return value_ms


def _sample_column(file: _File, line: int, heading: list[str], columns: tuple[str, ...]) -> int:
    """Return which column a heading calls the samples; a lone column may have any other name."""
    wanted = " or ".join(columns)
    found = [i for i, name in enumerate(heading) if name.lower() in columns]
    if len(found) == 1:
        return found[0]
    if found:
        raise file.fail(f"want one column {wanted}, found {len(found)}", line)
    if len(heading) > 1:
        raise file.fail(f"no column is called {wanted}: {', '.join(heading)[:80]}", line)
    if _OTHER_QUANTITY.search(heading[0]):
        kind = "one-way ms" if columns is ONE_WAY else "ms"
        raise file.fail(f"{heading[0]!r} does not sound like {kind}: want {wanted}", line)
    return 0


def _opens_or_closes(runs: list[_Run], line: str) -> bool:
    """Note the line that opens a run of ping or sums it up; return whether it was one."""
    if _HEADER.search(line):
        runs.append(_Run(first=0 if _FROM_ZERO.search(line) else 1))
    elif found := _SUMMARY.search(line):
        runs[-1].summary = (int(found[1]), int(found[2]))
        runs[-1].closed = True
    elif found := _WINDOWS_SUMMARY.search(line):
        # Not closed: Windows prints its summary at Control-Break, too, and goes on.
        runs[-1].summary = (int(found[1]), int(found[2]))
    else:
        return False
    return True


def _note(runs: list[_Run], line: str) -> float | None:
    """Note what a line says of a request; return the round trip in milliseconds if it is a reply.

    A run begins anew after a summary, and where a reply not marked as a duplicate answers a
    request that was answered before: pings put one after another without their opening lines.
    """
    reply_from = "Reply from" in line
    heard = reply_from or "bytes from" in line
    time = _TIME.search(line) if heard else None
    number = _SEQUENCE.search(line)
    failed = number is not None or reply_from or line.strip().startswith(_WINDOWS_FAILURES)
    # Neither a duplicate nor a reply that was cut short (a killed ping, "truncated") counts.
    if "DUP!" in line or (heard and time is None and not reply_from) or not (heard or failed):
        return None
    replied = time is not None and "BAD CHECKSUM" not in line
    if runs[-1].closed:
        runs.append(_Run())
    run = runs[-1]
    if number is None:
        run.unnumbered += 1
        run.unnumbered_answered += replied
        run.not_replies += reply_from and not replied
    else:
        sequence = int(number[1])
        if replied and run.index(sequence) in run.answered:
            run = _Run()
            runs.append(run)
        index = run.mention(sequence)
        if replied:
            run.answered.add(index)
    if time is None or not replied:
        return None
    round_trip_ms = float(time[2].replace(",", "."))
    return round_trip_ms / 2 if time[1] == "<" else round_trip_ms


def _why_no_reply(sent: int, answered: int) -> str:
    if answered:
        return f"holds a summary and no replies (ping -q?); want lines such as {_PING_FORM}"
    if sent:
        return f"none of its {sent} pings was answered; want lines such as {_PING_FORM}"
    return f"holds no ping replies; want lines such as {_PING_FORM}"


def _is_name(cell: str) -> bool:
    """Return whether a cell can be a heading: a mistyped latency must not pass for one."""
    if cell.lower() in _UNUSED or _NOT_FINITE.fullmatch(cell):
        return False
    return not _MEANT_AS_NUMBER.fullmatch(cell) or _IPV4.fullmatch(cell) is not None


def _without_headings(
    file: _File, rows: list[tuple[int, list[str]]]
) -> tuple[list[str] | None, list[str] | None, list[tuple[int, list[str]]]]:
    """Return (heading or None, names of the rows or None, rows without either)."""
    heading: list[str] | None = None
    first = rows[0][1]
    corner = len(first) > 1 and first[0].lower() in _UNUSED
    if all(_is_name(cell) for cell in (first[1:] if corner else first)):
        heading = first
        rows = rows[1:]
    if not rows:
        raise file.fail("holds a heading and no rows")
    if not all(len(cells) > 1 and _is_name(cells[0]) for _, cells in rows):
        return heading, None, rows
    return heading, [cells[0] for _, cells in rows], [(line, cells[1:]) for line, cells in rows]


def _agreed_names(
    file: _File, heading: list[str] | None, names: list[str] | None, table: list[list[str]]
) -> list[str] | None:
    """Return the names of rows and columns of a square table, or None; raise if they differ.

    A heading may have a cell above the names of the rows. Headings 0, 1, 2, ... on both sides, as
    pandas writes them, would as data be one server too many; they are not read on a guess.
    """
    if heading is None and names is None:
        numbers = [str(i) for i in range(len(table) - 1)]
        if len(numbers) > 1 and table[0] == ["", *numbers] == [cells[0] for cells in table]:
            raise file.fail("headings 0, 1, 2, ... look like data: leave them out, or use names")
    elif heading is not None and names is None:
        if len(heading) != len(table):
            raise file.fail(f"{len(heading)} headings for {len(table)} columns")
        return heading
    elif heading is not None and names not in (heading, heading[1:]):
        shown = f"columns {', '.join(heading)[:60]}, rows {', '.join(names or [])[:60]}"
        raise file.fail(f"{shown}: want the same names in the same order")
    return names


def _place(index: int, names: list[str] | None) -> str:
    return str(index + 1) if names is None else f"{index + 1} ({names[index]})"
