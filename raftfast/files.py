"""Files written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .errors import InputError


@contextmanager
def whole_file(path: str | os.PathLike[str], key: str | None = None) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` when all is written.

    Raises InputError, which names `key`, where it cannot be written; `path` is as it was then.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise InputError(problem, source=str(path), key=key) from None
    finally:
        with suppress(OSError):
            part.unlink()
