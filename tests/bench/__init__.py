"""Benchmarks: every number that Glassnet claims, measured side by side in one run.

`python -m tests.bench` runs all of them, `python -m tests.bench engine` one file. One file a
subject; each has `rows()`, which yields what it measured.
"""
