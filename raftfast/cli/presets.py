"""`raftfast presets`: the named systems a scenario can start from."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from .options import FORMATS, complete_preset, format_option
from .show import WIDTH, escape, write, write_csv, write_json, write_markdown

if TYPE_CHECKING:
    from ..preset import About


@click.command("presets", short_help="List the presets, or show one.")
@click.argument("name", required=False, shell_complete=complete_preset)
@format_option(*FORMATS)
def command(name: str | None, form: str) -> None:
    """List the presets, or show NAME: where it comes from, what of its system it leaves out, and
    the TOML to paste into a file."""
    from .. import preset

    if name is None:
        _list({known: preset.describe(known).summary for known in preset.names()}, form)
        return
    toml = preset.text(name)
    about = preset.describe(name)
    fields = {"name": name, **about._asdict(), "toml": toml}
    if form == "json":
        write_json(fields)
    elif form == "csv":
        write_csv(list(fields), [list(fields.values())])
    elif form == "md":
        write([f"## {name}", "", *_markdown(about), "```toml", toml.rstrip("\n"), "```"])
    else:
        # The comment that opens the file says all of this, so it can go into a file as it is.
        write(toml.splitlines())


def _markdown(about: About) -> list[str]:
    lines = [escape(about.description), ""]
    for title, text in {"Source": about.source, "Left out": about.left_out}.items():
        if text is not None:
            lines += [f"### {title}", "", escape(text), ""]
    return lines


def _list(summaries: dict[str, str], form: str) -> None:
    rows = [[name, text] for name, text in summaries.items()]
    if form == "json":
        write_json({"presets": [{"name": name, "description": text} for name, text in rows]})
    elif form == "csv":
        write_csv(["name", "description"], rows)
    elif form == "md":
        write_markdown(
            ["preset", "what it is"], [[f"`{name}`", escape(text)] for name, text in rows]
        )
    else:
        longest = max(map(len, summaries))
        room = WIDTH - longest - 2
        write(f"{name:<{longest}}  {_first_line(text, room)}" for name, text in rows)


def _first_line(text: str, width: int) -> str:
    return textwrap.shorten(text, width, placeholder=" ...", break_on_hyphens=False)
