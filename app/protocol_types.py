"""Writes the TypeScript types of the protocol: `python -m app.protocol_types`.

Works on the JSON Schema of `app.protocol`, so what TypeScript checks and what the server checks
cannot part ways; a test compares the committed file with what this would write.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from app import protocol

TARGET = Path(__file__).parents[1] / "static" / "src" / "protocol.gen.ts"

HEADER = """\
// Generated from app/protocol.py by `python -m app.protocol_types`. Do not edit.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
"""

ALIASES = ("Status", "Metrics", "Task", "PartOrKind", "Command", "BrowserMessage", "ServerMessage")


def render() -> str:
    """The whole file."""
    declared = [
        (model, mode)
        for model in vars(protocol).values()
        if isinstance(model, type)
        and issubclass(model, BaseModel)
        and model.__module__ == protocol.__name__
        and model not in (protocol.Incoming, protocol.Outgoing)
        and not model.__name__.startswith("_")
        for mode in (_mode(model),)
    ]
    _, schema = models_json_schema(declared, by_alias=True, ref_template="{model}")
    definitions = schema["$defs"]
    interfaces = "\n".join(
        _interface(name, definitions[name]) for name in sorted(definitions) if name != "JsonValue"
    )
    aliases = [HEADER, "export type Probe = Part;\n"]
    for name in ALIASES:
        meaning = _type(TypeAdapter(getattr(protocol, name)).json_schema(ref_template="{model}"))
        interfaces = interfaces.replace(f": {meaning};", f": {name};")
        aliases.append(f"export type {name} = {meaning};\n")
    return "\n".join([*aliases, interfaces])


def _mode(model: type[BaseModel]) -> JsonSchemaMode:
    return "serialization" if issubclass(model, protocol.Outgoing) else "validation"


def _interface(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    body = []
    for key, value in schema.get("properties", {}).items():
        optional = "" if key in required else "?"
        body.append(f"  {key}{optional}: {_type(value)};")
    if schema.get("additionalProperties") not in (None, False):
        body.append("  [setting: string]: Json | undefined;")
    comment = schema.get("description", "")
    words = f"/** {' '.join(comment.split())} */\n" if comment else ""
    return f"{words}export interface {name} {{\n" + "\n".join(body) + "\n}\n"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).replace("JsonValue", "Json")
    if "const" in schema:
        return _literal(schema["const"])
    if "enum" in schema:
        return " | ".join(_literal(value) for value in schema["enum"])
    if "anyOf" in schema or "oneOf" in schema:
        return " | ".join(_type(member) for member in schema.get("anyOf") or schema["oneOf"])
    match schema.get("type"):
        case "string":
            return "string"
        case "integer" | "number":
            return "number"
        case "boolean":
            return "boolean"
        case "null":
            return "null"
        case "array" if "prefixItems" in schema:
            return f"[{', '.join(_type(item) for item in schema['prefixItems'])}]"
        case "array":
            item = _type(schema.get("items", {}))
            return f"({item})[]" if "|" in item else f"{item}[]"
        case "object":
            return f"Record<string, {_type(schema.get('additionalProperties', {}))}>"
        case _:
            return "Json"


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(render(), encoding="utf-8")
