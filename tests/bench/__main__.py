"""`python -m tests.bench [subject …]`: run benchmarks and print a table."""

from __future__ import annotations

import importlib
import os
import pkgutil
import platform
import sys
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

SUBJECTS = sorted(
    module.name
    for module in pkgutil.iter_modules([str(Path(__file__).parent)])
    if module.name not in ("__main__", "measure")
)


def main() -> int:
    """Exit status 1 when a goal is missed, so that a script can see it."""
    chosen = sys.argv[1:] or SUBJECTS
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    print(f"{'what':<66}{'measured':>12}  {'goal':>14}")
    missed = 0
    for subject in chosen:
        for row in importlib.import_module(f"tests.bench.{subject}").rows():
            goal = (
                ""
                if row.goal is None
                else f"{'≥' if row.at_least else '≤'} {row.goal:g} {row.unit}"
            )
            mark = {True: "  met", False: "  MISSED", None: ""}[row.met]
            missed += row.met is False
            note = f"  ({row.note})" if row.note else ""
            print(
                f"{row.name:<66}{row.value:>9.3g} {row.unit:<3}{goal:>14}{mark}{note}", flush=True
            )
    return 1 if missed else 0


sys.exit(main())
