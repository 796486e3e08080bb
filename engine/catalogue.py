"""Everything a person can choose, declared once.

A *part* is a frozen Pydantic model with a `kind`. Its docstring is its description, its fields are
its settings. Defining a subclass with a `kind` adds it to its family; a family that lives in a
folder is found by scanning that folder. From this one declaration come validation, the REST schema,
the forms of the browser, limits, and the tests that run over every part.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Union

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from engine.errors import Path, Problem, SpecError, problem

_families: dict[str, dict[str, type[Part]]] = {}


class Part(BaseModel):
    """Something a person can choose. A subclass with a `kind` is one choice of its `family`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    family: ClassVar[str]
    group: ClassVar[str] = ""
    title: ClassVar[str] = ""
    # Class attributes that the catalogue shows beside the settings.
    facts: ClassVar[tuple[str, ...]] = ()
    # Settings that every part of the family has and that no form lists.
    structural: ClassVar[frozenset[str]] = frozenset({"kind"})

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        kind = cls.model_fields.get("kind")
        if kind is not None and isinstance(kind.default, str):
            _families.setdefault(cls.family, {})[kind.default] = cls

    @classmethod
    def kind_name(cls) -> str:
        return str(cls.model_fields["kind"].default)

    @classmethod
    def display_title(cls) -> str:
        return cls.title or cls.kind_name().replace("_", " ").capitalize()


def setting(
    default: Any = ...,
    *,
    help: str,
    title: str | None = None,
    unit: str | None = None,
    scale: str = "linear",
    labels: dict[str, str] | None = None,
    hidden: bool = False,
    **bounds: Any,
) -> Any:
    """A field of a part: default, bounds (`ge`, `gt`, `le`, `lt`, …), and what a form needs.

    `help` says what it does; `unit` is shown behind the number; `scale` is `linear` or `log`;
    `labels` names the values of a closed choice; `hidden` leaves it out of forms.
    """
    extra: dict[str, Any] = {"scale": scale}
    if unit:
        extra["unit"] = unit
    if labels:
        extra["labels"] = labels
    if hidden:
        extra["hidden"] = True
    return Field(default, title=title, description=help, json_schema_extra=extra, **bounds)


def parts(family: str) -> dict[str, type[Part]]:
    """The parts of a family by kind, in the order of their definition."""
    return dict(_families.get(family, {}))


def families() -> list[str]:
    return list(_families)


def scan(package: str, search_path: Iterable[str]) -> None:
    """Import every module of a package, so that the parts in them are known."""
    for module in sorted(pkgutil.iter_modules(search_path), key=lambda m: m.name):
        importlib.import_module(f"{package}.{module.name}")


def choice(family: str) -> Any:
    """The type of a field that holds any part of a family. A bare kind stands for its defaults."""

    def expand(value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    def shorten(value: Any) -> Any:
        data = shorten_settings(value)
        return data["kind"] if set(data) == {"kind"} else data

    union: Any = Union[tuple(_families[family].values())]  # noqa: UP007 - made at run time
    return Annotated[
        Annotated[union, Field(discriminator="kind")],
        BeforeValidator(expand),
        PlainSerializer(shorten),
        WithJsonSchema({"family": family}),
    ]


def shorten_settings(part: Part) -> dict[str, Any]:
    """The part as JSON, without the settings that have their default value."""
    data: dict[str, Any] = {}
    dumped = part.model_dump(mode="json")
    for name, info in type(part).model_fields.items():
        if (
            name == "kind"
            or info.is_required()
            or getattr(part, name) != info.get_default(call_default_factory=True)
        ):
            data[name] = dumped[name]
    return data


def validate(model: Any, data: Any) -> Any:
    """`data` as `model` (a Pydantic model or type). Raises `SpecError` with every problem."""
    try:
        return TypeAdapter(model).validate_python(data)
    except ValidationError as error:
        raise SpecError(
            [as_problem(dict(item), data) for item in error.errors(include_url=False)]
        ) from None


def _path_in(data: Any, location: tuple[str | int, ...]) -> Path:
    """The path as the sender of `data` sees it: Pydantic adds the tags of unions to it."""
    path: list[str | int] = []
    tagged = False  # the tag comes first, also where a setting has the name of the kind
    for index, step in enumerate(location):
        if isinstance(data, dict):
            if not tagged and data.get("kind") == step:
                tagged = True
                continue
            tagged = False
            if step in data:
                data = data[step]
            elif (
                data.get("kind", data.get("type")) == step
                or step == "function-before"
                or index < len(location) - 1
            ):
                continue
            else:
                data = None
        elif isinstance(data, list | tuple):
            if not isinstance(step, int) or not 0 <= step < len(data):
                continue
            data = data[step]
        else:
            continue
        path.append(step)
    return tuple(path)


_BOUNDS = {
    "greater_than_equal": ("ge", "must be at least {limit}", "Choose {limit} or more."),
    "greater_than": ("gt", "must be more than {limit}", "Choose a number above {limit}."),
    "less_than_equal": ("le", "must be at most {limit}", "Choose {limit} or less."),
    "less_than": ("lt", "must be less than {limit}", "Choose a number below {limit}."),
}


def as_problem(error: dict[str, Any], data: Any) -> Problem:
    """One error of Pydantic about `data`, in our words."""
    kind, context = error["type"], error.get("ctx", {})
    path = _path_in(data, error["loc"])
    name = str(path[-1]) if path else ""
    if kind in _BOUNDS:
        key, message, hint = _BOUNDS[kind]
        return problem(path, kind, message, hint, limit=context[key])
    if kind == "missing":
        return problem(path, kind, "{name} is missing", "Add {name}.", name=name)
    if kind == "extra_forbidden":
        return problem(
            path,
            "unknown_key",
            "{name} is not a known setting here",
            "Remove {name}, or check its spelling.",
            name=name,
        )
    if kind in ("union_tag_invalid", "union_tag_not_found", "literal_error", "enum"):
        given = str(context.get("tag", error.get("input", "")))[:60]
        expected = [
            w.strip(" '")
            for w in str(context.get("expected_tags", context.get("expected", "")))
            .replace(" or ", ", ")
            .split(",")
        ]
        near = difflib.get_close_matches(given, expected, 1)
        if kind == "union_tag_not_found":
            return problem(path, "missing_kind", "a kind is missing", "Say which kind it is.")
        if near:
            return problem(
                path,
                "unknown_kind_near",
                "“{given}” is not known here",
                "Did you mean “{near}”?",
                given=given,
                near=near[0],
            )
        return problem(
            path,
            "unknown_kind",
            "“{given}” is not known here",
            "Choose one of: {expected}.",
            given=given,
            expected=", ".join(expected),
        )
    if kind in (
        "finite_number",
        "float_parsing",
        "int_parsing",
        "float_type",
        "int_type",
        "int_from_float",
        "decimal_parsing",
    ):
        whole = kind.startswith("int")
        return (
            problem(path, "not_whole", "must be a whole number", "Write a whole number, such as 8.")
            if whole
            else problem(
                path, "not_number", "must be a finite number", "Write a number, such as 0.1."
            )
        )
    if kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
        limit = context.get("min_length", context.get("max_length"))
        return (
            problem(
                path,
                "too_short",
                "must have at least {limit} entries or characters",
                "Add some.",
                limit=limit,
            )
            if kind.endswith("short")
            else problem(
                path,
                "too_long",
                "must have at most {limit} entries or characters",
                "Remove some.",
                limit=limit,
            )
        )
    if kind == "string_pattern_mismatch":
        return problem(
            path,
            "pattern",
            "“{given}” has characters that are not allowed here",
            "Use letters, digits, _ and - only.",
            given=str(error.get("input", ""))[:60],
        )
    if (
        kind == "value_error"
        and isinstance(context.get("error"), Exception)
        and getattr(context["error"], "problem", None)
    ):
        return context["error"].problem.under(*path)  # type: ignore[no-any-return]
    return problem(
        path,
        "wrong_type",
        "this value does not fit here ({reason})",
        "Check its type.",
        reason=str(error["msg"])[:120],
    )


class SettingError(ValueError):
    """Raised in a validator of a part, with a problem whose path is relative to that part."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


def properties(model: type[BaseModel], without: Iterable[str] = ()) -> dict[str, Any]:
    """The settings of a model as a form wants them."""
    schema = model.model_json_schema(mode="validation")
    return {
        name: _flatten(value, schema.get("$defs", {}))
        for name, value in schema["properties"].items()
        if name not in without
    }


def describe_part(part: type[Part]) -> dict[str, Any]:
    """One part as the catalogue shows it: words, settings, and the facts of its family."""
    description = inspect.cleandoc(part.__doc__ or "")
    return {
        "kind": part.kind_name(),
        "title": part.display_title(),
        "summary": " ".join(description.split("\n\n", 1)[0].split()),
        "description": description,
        "group": part.group,
        "schema": {"properties": properties(part, part.structural)},
        **{name: _plain(getattr(part, name)) for name in part.facts},
    }


def _plain(value: Any) -> Any:
    """A fact as JSON."""
    return sorted(value) if isinstance(value, frozenset) else value


def _flatten(value: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A property without `anyOf` and `$ref`, as simple as a form wants it."""
    value = dict(value)
    options = value.pop("anyOf", None)
    if options is not None:
        kept = [o for o in options if o.get("type") != "null"]
        value["nullable"] = len(kept) < len(options)
        if len(kept) == 1:
            value = {**kept[0], **value}
    if "$ref" in value:
        value = {**definitions[value.pop("$ref").rsplit("/", 1)[-1]], **value}
    default = value.get("default")
    if "family" in value and isinstance(default, dict) and set(default) == {"kind"}:
        value["default"] = default["kind"]
    if "const" in value:
        value["enum"] = [value.pop("const")]
    return value
