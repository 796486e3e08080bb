"""Where the files lie that the server serves: beside this package, in a checkout and in the wheel."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def shipped(folder: str) -> Path:
    """A folder such as `templates` or `static/dist`."""
    return ROOT / folder
