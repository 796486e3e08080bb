"""Whatever the server can say of a problem, it can say in Chinese, with the same values."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from app.files import ROOT, shipped
from app.problems import TITLES, title, translated

# Functions whose first or second argument that is text is the code of a problem.
MAKERS = {"problem", "problem_of", "refusal", "NotMeasurable", "Note", "_refusal", "refuse"}


def texts() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in (shipped("templates") / "zh" / "problems.d").glob("*.json"):
        new = json.loads(path.read_text(encoding="utf-8"))
        assert not set(new) & set(found), "a code has one text"
        found.update(new)
    return found


def declared() -> Iterator[tuple[str, list[str], Path]]:
    """Code, and the English texts that follow it, of every problem in the source."""
    for path in [*ROOT.glob("engine/**/*.py"), *ROOT.glob("app/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                words = [a.value for a in node.args if isinstance(a, ast.Constant)]
                strings = [word for word in words if isinstance(word, str)]
                if name in MAKERS and strings and re.fullmatch(r"[a-z][a-z0-9_]*", strings[0]):
                    yield strings[0], strings[1:], path


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


def test_every_problem_has_its_words_in_chinese() -> None:
    known = texts()
    missing = sorted({f"{code} ({path.name})" for code, _, path in declared() if code not in known})
    assert not missing


def test_the_chinese_words_use_the_values_that_are_there() -> None:
    known = texts()
    values: dict[str, set[str]] = {}
    for code, english, _ in declared():
        values.setdefault(code, set()).update(*(placeholders(text) for text in english))
    wrong = {
        code: sorted(unknown)
        for code, text in known.items()
        if code in values
        and (unknown := placeholders(text["message"] + text.get("hint", "")) - values[code])
    }
    assert not wrong


def test_a_problem_without_words_stays_as_it_is() -> None:
    problem = {"path": [], "code": "nowhere", "message": "m", "hint": "h", "values": {}}
    assert translated(problem, "zh") == problem
    assert translated(problem, "en") == problem


def test_titles_have_both_languages() -> None:
    for status in TITLES:
        assert title(status, "zh") != title(status, "en")
