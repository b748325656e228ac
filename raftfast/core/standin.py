"""The two names of Cython's run-time module that the core uses, for machines without Cython."""

from __future__ import annotations

from contextlib import nullcontext

compiled = False
nogil = nullcontext()
