"""Saved output of ping, and tables of latencies between servers."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftfast.distributions import Distribution, parse, read_matrix
from raftfast.errors import InputError

KEY = "network.latency_ms"

LINUX = """\
PING db-2.test (10.0.3.17) 56(84) bytes of data.
[1732366981.041722] 64 bytes from db-2.test (10.0.3.17): icmp_seq=1 ttl=61 time=12.4 ms
[1732366982.043110] 64 bytes from db-2.test (10.0.3.17): icmp_seq=2 ttl=61 time=11.8 ms
[1732366982.043544] 64 bytes from db-2.test (10.0.3.17): icmp_seq=2 ttl=61 time=12.2 ms (DUP!)
[1732366984.070331] no answer yet for icmp_seq=3
[1732366985.094218] no answer yet for icmp_seq=4
[1732366985.099871] 64 bytes from db-2.test (10.0.3.17): icmp_seq=4 ttl=61 time=1029 ms
[1732366986.107002] From 10.0.0.1 (10.0.0.1) icmp_seq=5 Destination Host Unreachable
[1732366986.501264] 64 bytes from db-2.test (10.0.3.17): icmp_seq=6 ttl=61 time=0.612 ms
[1732366987.112101] 64 bytes from db-2.test (10.0.3.17): icmp_seq=7 ttl=61 (truncated)
[1732366988.112101] 64 bytes from 10.0.3.17: icmp_seq=8 ttl=61 time=9.31 ms (BAD CHECKSUM!)
"""
LINUX_SUMMARY = """
--- db-2.test ping statistics ---
10 packets transmitted, 6 received, +1 duplicates, +1 corrupted, +2 errors, 40% packet loss
rtt min/avg/max/mdev = 0.612/213.2/1029.000/401.311 ms, pipe 2
"""
MACOS = """\
PING 1.1.1.1 (1.1.1.1): 56 data bytes
64 bytes from 1.1.1.1: icmp_seq=0 ttl=57 time=14.202 ms
64 bytes from 1.1.1.1: icmp_seq=1 ttl=57 time=15.744 ms
Request timeout for icmp_seq 2
Request timeout for icmp_seq 3
92 bytes from 10.20.0.1: Destination Host Unreachable
64 bytes from 1.1.1.1: icmp_seq=4 ttl=57 time=13.000 ms
"""
MACOS_SUMMARY = """
--- 1.1.1.1 ping statistics ---
10 packets transmitted, 9 packets received, 10.0% packet loss
round-trip min/avg/max/stddev = 13.000/14.315/15.744/1.123 ms
"""
BSD_IPV6 = """\
PING6(56=40+8+8 bytes) 2001:db8::9 --> 2001:db8::2
16 bytes from 2001:db8::2, icmp_seq=1 hlim=50 time=166.345 ms
16 bytes from 2001:db8::2, icmp_seq=1 hlim=49 time=166.499 ms(DUP!)
"""
BUSYBOX = """\
PING 1.1.1.1 (1.1.1.1): 56 data bytes
64 bytes from 1.1.1.1: seq=0 ttl=55 time=12.345 ms
64 bytes from 1.1.1.1: seq=2 ttl=55 time=11.115 ms

--- 1.1.1.1 ping statistics ---
3 packets transmitted, 2 packets received, 33% packet loss
round-trip min/avg/max = 11.115/11.730/12.345 ms
"""
WINDOWS = """\

Pinging node2 [10.0.1.4] with 32 bytes of data:
Reply from 10.0.1.4: bytes=32 time=14ms TTL=55
Request timed out.
Reply from 10.0.0.1: Destination host unreachable.
Reply from 10.0.1.4: bytes=32 time<1ms TTL=55
"""
WINDOWS_SUMMARY = """
Ping statistics for 10.0.1.4:
    Packets: Sent = 4, Received = 3, Lost = 1 (25% loss),
Approximate round trip times in milli-seconds:
    Minimum = 0ms, Maximum = 14ms, Average = 7ms
"""


def law(spec: object, folder: Path = Path()) -> Distribution:
    return parse(spec, key=KEY, folder=folder, source="wan.toml")


def put(folder: Path, text: str | bytes, name: str = "data") -> str:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def refusal(spec: object, folder: Path = Path()) -> InputError:
    with pytest.raises(InputError) as caught:
        law(spec, folder)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("wan.toml: network.latency_ms")
    return caught.value


def matrix(folder: Path, text: str, *, round_trip: bool = False) -> tuple[tuple[float, ...], ...]:
    put(folder, text)
    return read_matrix("data", key="m", folder=folder, source="a.toml", round_trip=round_trip)


@pytest.mark.parametrize(
    ("text", "round_trips_ms", "answered"),
    [
        (LINUX + LINUX_SUMMARY, (12.4, 11.8, 1029, 0.612), 6 / 10),
        # Killed: of requests 1 to 8, 1, 2, 4 (late) and 6 were answered and 7 was cut off.
        (LINUX, (12.4, 11.8, 1029, 0.612), 4 / 8),
        (MACOS + MACOS_SUMMARY, (14.202, 15.744, 13), 9 / 10),
        (MACOS, (14.202, 15.744, 13), 3 / 5),
        (BSD_IPV6, (166.345,), 1 / 2),
        (BUSYBOX, (12.345, 11.115), 2 / 3),
        # A time below one millisecond counts as half of one; a router's reply is no answer.
        (WINDOWS + WINDOWS_SUMMARY, (14, 0.5), 2 / 4),
        (WINDOWS + WINDOWS_SUMMARY.replace("Received = 3", "Received = 2"), (14, 0.5), 2 / 4),
        (WINDOWS, (14, 0.5), 2 / 4),
        # Several runs in one file: 6 of 10, 9 of 10 and, killed, 3 of 5.
        (
            LINUX + LINUX_SUMMARY + MACOS + MACOS_SUMMARY + MACOS,
            (12.4, 11.8, 1029, 0.612, 14.202, 15.744, 13, 14.202, 15.744, 13),
            18 / 25,
        ),
        # Only the replies of two runs, as grep leaves them: 2 of 3 and 1 of 1.
        (
            (
                "64 bytes from a: icmp_seq=7 ttl=64 time=1 ms\n"
                "64 bytes from a: icmp_seq=9 ttl=64 time=2 ms\n"
                "64 bytes from a: icmp_seq=7 ttl=64 time=3 ms\n"
            ),
            (1, 2, 3),
            3 / 4,
        ),
        # Without opening lines a summary ends a run: 1 of 3 and, killed, 2 of 4.
        (
            (
                "64 bytes from a: icmp_seq=1 ttl=64 time=1 ms\n3 packets transmitted, 1 received\n"
                "64 bytes from a: icmp_seq=5 ttl=64 time=2 ms\n"
                "64 bytes from a: icmp_seq=8 ttl=64 time=3 ms\n"
            ),
            (1, 2, 3),
            3 / 7,
        ),
        # Out of order at the start of what is left of a file.
        (
            (
                "64 bytes from a: icmp_seq=12 ttl=64 time=1 ms\n"
                "64 bytes from a: icmp_seq=11 ttl=64 time=2 ms\n"
            ),
            (1, 2),
            2 / 2,
        ),
        # macOS counts from 0, and so 0 was lost; with -S it prints another opening line.
        (
            (
                "PING a (10.0.0.1): 56 data bytes\n"
                "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=1 ms\n"
            ),
            (1,),
            1 / 2,
        ),
        (
            (
                "PING a (10.0.0.1) from 10.0.0.9: 56 data bytes\n"
                "64 bytes from 10.0.0.1: icmp_seq=0 ttl=64 time=1 ms\n"
                "Request timeout for icmp_seq 1\n"
            ),
            (1,),
            1 / 2,
        ),
        # The first three requests are lost without a line, so the opening line must tell.
        (
            (
                "PING a (10.0.0.1) 56(84) bytes of data.\n"
                "64 bytes from 10.0.0.1: icmp_seq=4 ttl=64 time=2,5 ms\n"
            ),
            (2.5,),
            1 / 4,
        ),
        # More replies than requests, as macOS puts it: "somebody's printing up packets!".
        (
            (
                "64 bytes from a: icmp_seq=0 ttl=64 time=1 ms\n"
                "1 packets transmitted, 2 packets received, -- somebody's printing up packets!\n"
            ),
            (1,),
            1.0,
        ),
    ],
)
def test_ping(
    tmp_path: Path, text: str, round_trips_ms: tuple[float, ...], answered: float
) -> None:
    read = law({"ping": put(tmp_path, text)}, tmp_path)
    assert (read.law, read.parameters) == ("samples", ())
    assert read.values_ms == pytest.approx([value / 2 for value in round_trips_ms])
    assert read.answered == pytest.approx(answered)


def test_ping_as_powershell_saves_it(tmp_path: Path) -> None:
    text = (WINDOWS + WINDOWS_SUMMARY).replace("\n", "\r\n").encode("utf-16")
    assert law({"ping": put(tmp_path, text)}, tmp_path).values_ms == (7.0, 0.25)


def test_ping_sequence_numbers_wrap(tmp_path: Path) -> None:
    last = 80_001
    lines = ["PING a (10.0.0.1) 56(84) bytes of data."]
    lines += [
        f"64 bytes from 10.0.0.1: icmp_seq={i % 65536} ttl=64 time=1 ms"
        for i in range(1, last + 1)
        if i % 10
    ]
    read = law({"ping": put(tmp_path, "\n".join(lines))}, tmp_path)
    assert len(read.values_ms) == len(lines) - 1
    assert read.answered == len(read.values_ms) / last


@given(st.lists(st.booleans(), min_size=2, max_size=60).filter(any), st.integers(0, 2**32))
def test_ping_without_a_summary_counts_the_same(
    tmp_path_factory: pytest.TempPathFactory, fate: list[bool], seed: int
) -> None:
    order = [i for i, replied in enumerate(fate) if replied]
    random.Random(seed).shuffle(order)
    lines = ["PING 10.0.0.1 (10.0.0.1): 56 data bytes"]
    lines += [f"Request timeout for icmp_seq {i}" for i in range(len(fate))]
    lines += [f"64 bytes from 10.0.0.1: icmp_seq={i} ttl=64 time={i}.250 ms" for i in order]
    killed = "\n".join(lines)
    summary = f"\n{len(fate)} packets transmitted, {len(order)} packets received, x% packet loss"
    folder = tmp_path_factory.getbasetemp()
    ended = law({"ping": put(folder, killed + summary)}, folder)
    assert ended == law({"ping": put(folder, killed)}, folder)
    assert ended.answered == sum(fate) / len(fate)
    assert ended.values_ms == tuple((i + 0.25) / 2 for i in order)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hello\n", "holds no ping replies; want lines such as '64 bytes from"),
        ("64 octets de a : icmp_seq=1 ttl=57 temps=3.51 ms\n", "LC_ALL=C"),
        ("no answer yet for icmp_seq=1\nno answer yet for icmp_seq=2\n", "none of its 2 pings"),
        ("Request timed out.\n" * 3, "none of its 3 pings"),
        (LINUX_SUMMARY, "holds a summary and no replies (ping -q?)"),
        (
            "64 bytes from a: icmp_seq=1 time=1 ms\n1 packets transmitted, 0 received\n",
            "0 received",
        ),
        ("64 bytes from a: icmp_seq=1 time=9999999999 ms\n", "data line 1: a round trip of"),
    ],
)
def test_bad_ping_output(tmp_path: Path, text: str, says: str) -> None:
    error = refusal({"ping": put(tmp_path, text)}, tmp_path)
    assert error.key == f"{KEY}.ping"
    assert f"{tmp_path / 'data'}" in error.problem and says in error.problem


@pytest.mark.parametrize(
    "text",
    [
        "0,10,20.5\n11,0,30\n21,31,0\n",
        ",us-east,eu-west,ap\nus-east,-,10,20.5\neu-west,11,,30\nap,21,31,NaN\n",
        "# ms\nus;eu;ap\n0;10;20.5\n\n11;0;30\n21;31;0\n",
        "from/to\tus\teu\tap\nus\t\t10\t20.5\neu\t11\t\t30\nap\t21\t31\t\n",
        "   us eu ap\nus  - 10 20.5\neu 11 - 30 # measured twice\nap 21 31 -\n",
        "us 0.6 10 20.5\neu 11 0.7 30\nap 21 31 0.8\n",
        ",10.0.0.1,10.0.0.2,::3\n10.0.0.1,0,10,20.5\n10.0.0.2,11,0,30\n::3,21,31,0\n",
        '"","Frankfurt, DE","b","c"\n"Frankfurt, DE",0,10,20.5\n "b", 11,0,30\nc,21,31,0\n',
    ],
)
def test_matrix(tmp_path: Path, text: str) -> None:
    one_way = ((0.0, 10.0, 20.5), (11.0, 0.0, 30.0), (21.0, 31.0, 0.0))
    halved = ((0.0, 5.0, 10.25), (5.5, 0.0, 15.0), (10.5, 15.5, 0.0))
    assert matrix(tmp_path, text) == one_way
    assert matrix(tmp_path, text, round_trip=True) == halved


def test_matrix_of_one_server(tmp_path: Path) -> None:
    assert matrix(tmp_path, "1e-6\n") == matrix(tmp_path, ",a\na,-\n") == ((0.0,),)


@given(st.data(), st.integers(1, 6), st.sampled_from([",", ";", "\t", " "]), st.booleans())
def test_matrix_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    size: int,
    delimiter: str,
    named: bool,
) -> None:
    row = st.lists(st.floats(0, 1e9), min_size=size, max_size=size)
    table = data.draw(st.lists(row, min_size=size, max_size=size))
    lines = [[repr(value) for value in values] for values in table]
    if named:
        names = [f"r{i}" for i in range(size)]
        lines = [["to", *names], *([name, *line] for name, line in zip(names, lines, strict=True))]
    text = "\n".join(delimiter.join(line) for line in lines)
    expected = [[0.0 if i == j else table[i][j] for j in range(size)] for i in range(size)]
    assert [list(values) for values in matrix(tmp_path_factory.getbasetemp(), text)] == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "data: is empty"),
        ("a,b\n", "data: holds a heading and no rows"),
        ("0,1,2\n3,0,4\n", "want as many rows as columns, found 2 x 3"),
        (",a,b,c\na,0,1,2\nb,3,0,4\n", "found 2 x 3"),
        ("1\n2\n3\n", "found 3 x 1"),
        ("0,1,2\n\n3,0\n4,5,0\n", "data line 3: has 2 entries, the first row 3"),
        (",a,b\na,0,\nb,2,0\n", "data line 2: row 1 (a), column 2 (b): a latency is missing"),
        ("a;b\n0;-\n2;0\n", "data line 2: row 1 (a), column 2 (b): a latency is missing"),
        ("0 1\nnan 0\n", "data line 2: row 2, column 1: a latency is missing"),
        ("0,1\n2x,0\n", "data line 2: row 2, column 1: '2x' is not a number"),
        ("0,1\n-2,0\n", "data line 2: row 2, column 1: -2 is not from 0"),
        ("0,2e9\n2,0\n", "row 1, column 2: 2e9 is not from 0 to 1e+09"),
        ("0,inf\n2,0\n", "row 1, column 2: 'inf' is not a number"),
        ("0;1,5\n1,5;0\n", "row 1, column 2: '1,5' is not a number"),
        (";1,5\n1,5;\n", "row 1, column 2: '1,5' is not a number"),
        ("0,2ms\n2ms,0\n", "row 1, column 2: '2ms' is not a number"),
        ("0,fast\nfast,0\n", "row 1, column 2: 'fast' is not a number"),
        (
            ",a,b\nb,0,1\na,2,0\n",
            "columns , a, b, rows b, a: want the same names in the same order",
        ),
        ("a,b,c\n0,1\n2,0\n", "3 headings for 2 columns"),
        (",0,1\n0,0.0,7\n1,7,0.0\n", "headings 0, 1, 2, ... look like data"),
    ],
)
def test_bad_matrices(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        matrix(tmp_path, text)
    assert str(caught.value).startswith(f"a.toml: m: {tmp_path / 'data'}")
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_matrix_wants_the_name_of_a_file() -> None:
    with pytest.raises(InputError, match=r"network.matrix_ms: want the name of a file in quotes"):
        wrong: Any = 7
        read_matrix(wrong, key="network.matrix_ms", folder=Path(), source=None, round_trip=False)
