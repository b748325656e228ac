"""`raftfast strategies`: the ways to time and to vote that a scenario can switch on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import click

from .options import FORMATS, format_option
from .show import WIDTH, aside, escape, heading, write, write_csv, write_json, write_markdown

if TYPE_CHECKING:
    from ..strategies import Strategy

_LABEL_WIDTH = 16
_LINES = 2
_FIELDS = ("key", "value", "what", "who", "hurts", "toml")


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from ..strategies import entries

    words = dict.fromkeys(
        word
        for entry in entries()
        for word in (entry.key, entry.value)
        if isinstance(word, str) and word.startswith(incomplete)
    )
    return list(words)


@click.command("strategies", short_help="List the ways to time and to vote, or show one.")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=_complete)
@format_option(*FORMATS)
def command(name: str | None, form: str) -> None:
    """List the ways to time and to vote, or show those called NAME: what each does, who uses it,
    when it hurts, and the TOML to paste into a file. NAME is a key such as timeouts.timer, a value
    such as poll, or both: timeouts.timer=poll."""
    from .. import strategies

    found = strategies.entries() if name is None else strategies.find(name)
    if form == "json":
        write_json({"strategies": [entry._asdict() for entry in found]})
    elif form == "csv":
        rows = [[entry.key, entry.label, *entry[2:]] for entry in found]
        write_csv(_FIELDS, rows)
    elif name is None and form == "md":
        header = ["strategy", "what it does", "who uses it", "when it hurts"]
        texts = [(entry.what, entry.who, entry.hurts) for entry in found]
        names = [f"`{entry.name}`" for entry in found]
        write_markdown(header, [[n, *map(escape, t)] for n, t in zip(names, texts, strict=True)])
    elif form == "md":
        write("\n\n".join("\n".join(_markdown(entry)) for entry in found).splitlines())
    elif name is None:
        write(_list(found))
    else:
        write("\n\n".join("\n".join(_commented(entry)) for entry in found).splitlines())


def _list(found: tuple[Strategy, ...]) -> Iterator[str]:
    """What each does, under the keys."""
    indent = " " * (_LABEL_WIDTH + 4)
    for key, group in groupby(found, key=lambda entry: entry.key):
        yield heading(key)
        for entry in group:
            label = textwrap.shorten(entry.label, _LABEL_WIDTH, placeholder=" ...")
            yield from textwrap.wrap(
                entry.what,
                WIDTH,
                initial_indent=f"  {label:<{_LABEL_WIDTH}}  ",
                subsequent_indent=indent,
                max_lines=_LINES,
                placeholder=" ...",
            )
    yield aside("Who uses one, when it hurts and the TOML to paste: raftfast strategies NAME")


def _commented(entry: Strategy) -> list[str]:
    """The TOML with the texts as comments, so that this can go into a file as it is."""
    texts = (
        f"{entry.name}: {entry.what}",
        f"Who uses it: {entry.who}.",
        f"When it hurts: {entry.hurts}",
    )
    lines = [line for text in texts for line in textwrap.wrap(text, WIDTH - 2)]
    return [*(f"# {line}" for line in lines), *entry.toml.strip().splitlines()]


def _markdown(entry: Strategy) -> list[str]:
    parts = {"Who uses it": f"{entry.who}.", "When it hurts": entry.hurts}
    lines = [f"## `{entry.name}`", "", escape(entry.what), ""]
    for title, text in parts.items():
        lines += [f"### {title}", "", escape(text), ""]
    return [*lines, "```toml", *entry.toml.strip().splitlines(), "```"]
