"""Messages between the server and a training process: a JSON header and payload bytes.

On the wire: length of the header, length of the payload (both 4 bytes, little-endian), header,
payload. Nothing but JSON and bytes ever crosses, never an object.
"""

import json
import struct
from collections.abc import Mapping
from typing import Any

PREFIX = struct.Struct("<II")

NAME_BYTES = 64
"""Size of the shared note that names the run a worker is busy with."""

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Variables that keep linear algebra on one thread: workers run side by side."""

Header = dict[str, Any]


def pack(header: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """One message as bytes. Raises `ValueError` for NaN or infinity in the header."""
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    return b"".join((PREFIX.pack(len(text), len(payload)), text, payload))


def join(parts: Mapping[str, bytes]) -> tuple[dict[str, int], bytes]:
    """Several named byte strings as one payload, and the sizes that tell them apart."""
    return {name: len(part) for name, part in parts.items()}, b"".join(parts.values())


def split(sizes: Mapping[str, int], payload: bytes) -> dict[str, bytes]:
    """The named byte strings of a payload made by `join`."""
    parts, start = {}, 0
    for name, size in sizes.items():
        parts[name] = payload[start : start + size]
        start += size
    return parts
