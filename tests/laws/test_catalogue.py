"""The catalogue in `tests/catalogue.json` is the catalogue."""

from tests.laws import write_catalogue


def test_catalogue_is_up_to_date() -> None:
    """When this fails: `python -m tests.laws.write_catalogue`, and look at what changed."""
    assert write_catalogue.PATH.read_text(encoding="utf-8") == write_catalogue.text()
