"""The reference page of the API, from its description; for developers.

python -m dscplus_station.api.reference > docs/api-reference.md
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dscplus_station.api.app import description
from dscplus_station.api.problems import KINDS, OF_REQUESTS, TYPE

_HEAD = """\
# API reference

Written by `python -m dscplus_station.api.reference` from the API's own description (OpenAPI 3.1; also given
by `dsc-station api describe`); a test compares them. How to use it, tokens and repetitions: [api.md](api.md).

Every call takes `Authorization: Bearer …` and may end in 400, 401, 403, 413, 422, 429, 500 or 503, as a
problem; these are not repeated below.
"""
_EVERYWHERE = {"400", "401", "403", "413", "422", "429", "500", "503"}


def reference() -> str:
    """The page, in Markdown."""
    described = description()
    shapes: Mapping[str, Any] = described["components"]["schemas"]
    lines = [_HEAD]
    tag = None
    calls = [
        (operation["tags"][0], method, path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    for group, method, path, operation in sorted(calls, key=lambda call: call[0]):
        if group != tag:
            tag = group
            lines.append(f"## {tag.capitalize()}\n")
        lines += _call(method, path, operation)
    lines.append("## Problems\n")
    told = "which stay what they are; or the status's own words"
    lines.append(f"The `type` is `{TYPE}` and one of these, {told}.\n")
    kinds = dict(KINDS.values()) | OF_REQUESTS
    lines += [f"- `{kind}`: {title}" for kind, title in sorted(kinds.items())]
    lines.append("\n## Shapes\n")
    for name, shape in shapes.items():
        lines += _shape(name, shape)
    return "\n".join(lines).rstrip("\n") + "\n"


def _call(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {method.upper()} {path}\n"
    yield f"{operation['summary']}. {' '.join(operation.get('description', '').split())}\n"
    for parameter in operation.get("parameters", []):
        need = "" if parameter["required"] else ", may be left out"
        yield f"- `{parameter['name']}` in the {parameter['in']}{need}: {_kind(parameter['schema'])}"
    if body := operation.get("requestBody"):
        yield f"- sends {_kind(body['content']['application/json']['schema'])}"
    for status, answer in operation["responses"].items():
        if status not in _EVERYWHERE and status < "300":
            yield f"- {status}: {_content(answer.get('content'))}"
        elif status not in _EVERYWHERE:
            yield f"- {status}: a problem"
    yield ""


def _content(content: Mapping[str, Any] | None) -> str:
    """What an answer holds, in words."""
    if content is None:
        return "nothing"
    ((media_type, described),) = content.items()
    return _kind(described["schema"]) if media_type == "application/json" else f"`{media_type}`"


def _shape(name: str, shape: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if told := " ".join(shape.get("description", "").split("\n\nArgs:")[0].split()):
        yield f"{told}\n"
    if "enum" in shape:
        yield f"One of {', '.join(f'`{value}`' for value in shape['enum'])}."
    for field, value in shape.get("properties", {}).items():
        need = "" if field in shape.get("required", []) else ", may be left out"
        yield f"- `{field}`: {_kind(value)}{need}"
    yield ""


def _kind(schema: Mapping[str, Any]) -> str:
    """A value's kind, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}" if "items" in schema else "list"
    words = str(schema.get("format") or schema.get("type", "any"))
    for key, told in (("pattern", "`{}`"), ("maxLength", "{} characters at most"), ("maximum", "{} at most")):
        if key in schema:
            words += ", " + told.format(str(schema[key]).replace("|", "\\|"))
    return words


if __name__ == "__main__":
    print(reference(), end="")
