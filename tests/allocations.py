"""Seeing every array that a piece of code allocates, even one that is freed at once."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

_ARRAYS_ONLY = [tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)]


def arrays_allocated(work: Callable[[], object]) -> dict[str, int]:
    """Bytes of arrays that `work` holds between any two of its bytecodes, by place.

    A comparison of memory before and after misses what is freed in between, so the tracer looks
    after each bytecode. Slow: a hundred bytecodes a second or so.
    """
    found: dict[str, int] = {}

    def look(frame: FrameType, event: str, _: Any) -> Any:
        frame.f_trace_opcodes = True
        if event == "opcode":
            for trace in tracemalloc.take_snapshot().filter_traces(_ARRAYS_ONLY).traces:
                where = str(trace.traceback)
                found[where] = max(found.get(where, 0), trace.size)
        return look

    before = sys.gettrace()
    tracemalloc.start()
    try:
        sys.settrace(look)
        work()
    finally:
        sys.settrace(before)
        tracemalloc.stop()
    return found
