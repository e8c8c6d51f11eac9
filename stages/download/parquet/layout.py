"""Layout: which column of a Parquet file holds the images' bytes, and which hold what is said about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from manifests.errors import Refused
from manifests.parsing import parse_json
from stages.download.row import SPELLINGS

IMAGE = "image"  # the name of the column of bytes in a recipe's `columns`
BYTES = ("image", "jpg", "jpeg", "png", "webp", "img", "bytes", "image_bytes", "image_data", "content", "data")
NOTHING_KNOWN = -1  # the hub's number for "no class", as in a test split

Names = Callable[[Sequence[str]], Sequence[str]]  # the names of a ClassLabel -> what its classes are called here


@dataclass(frozen=True)
class Layout:
    """Columns by their dotted paths: the bytes, the path beside them, and spelling -> column for everything else."""

    image: str
    path: str | None
    fields: Mapping[str, str]
    classes: Mapping[str, Sequence[str]]  # spelling -> names that its integers stand for

    @property
    def columns(self) -> list[str]:
        return [self.image, *([self.path] if self.path else []), *self.fields.values()]


def layout_of(schema: pa.Schema, chosen: Mapping[str, str], where: str, names: Names = tuple) -> Layout:
    """Return the layout of a schema. Raises Refused, naming its columns, if it lacks a `chosen` one or the bytes."""
    if unknown := [name for name in chosen if name not in (IMAGE, *SPELLINGS)]:
        raise Refused(
            f"columns: {unknown[0]} is not a column of the images table; such are {IMAGE}, {', '.join(SPELLINGS)}"
        )
    for column, name in chosen.items():
        if _field(schema, name) is None:
            raise Refused(f"{where} has no column {name} (columns: {column}); it has {_there(schema)}")
    image, path = _image(schema, chosen[IMAGE], where) if IMAGE in chosen else _image_found(schema, where)
    fields = _fields(schema, chosen)
    features, classes = _features(schema), {}
    for spelling in SPELLINGS["label"]:
        if spelling in fields and (named := _class_names(features, fields[spelling])):
            classes[spelling] = names(named)
    return Layout(image, path, fields, classes)


def value_of(layout: Layout, spelling: str, value: Any) -> Any:
    """Return what a column's value means: the name of a class for its number, None for the number of "no class"."""
    names = layout.classes.get(spelling)
    if names is None or not isinstance(value, (int, float)) or value != value:
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    number = int(value)
    if number == NOTHING_KNOWN:
        return None
    return names[number] if 0 <= number < len(names) else number


def _fields(schema: pa.Schema, chosen: Mapping[str, str]) -> dict[str, str]:
    """Return spelling -> path of the column; a column that the recipe names replaces all spellings."""
    fields: dict[str, str] = {}
    for column, spellings in SPELLINGS.items():
        if column in chosen:
            fields[spellings[0]] = chosen[column]
            continue
        found = [name for name in spellings if (one := _field(schema, name)) is not None and not _is_odd(one.type)]
        fields |= {name: name for name in found}
    return fields


def _image_found(schema: pa.Schema, where: str) -> tuple[str, str | None]:
    structs = [field.name for field in schema if _holds_bytes(field.type)]
    if IMAGE in structs or len(structs) == 1:
        return _image(schema, IMAGE if IMAGE in structs else structs[0], where)
    if structs:
        raise Refused(
            f"{where} has several columns of images ({', '.join(structs)}); say which: columns: {{image: NAME}}"
        )
    plain = [name for name in BYTES if (field := _field(schema, name)) is not None and _is_bytes(field.type)]
    if not plain:
        raise Refused(f"{where} has no column of image bytes that is known; say which: columns: {{image: NAME}}; "
                      f"it has {_there(schema)}")  # fmt: skip
    return plain[0], None


def _image(schema: pa.Schema, name: str, where: str) -> tuple[str, str | None]:
    field = _field(schema, name)
    assert field is not None
    if _is_bytes(field.type):
        return name, None
    if not _holds_bytes(field.type):
        raise Refused(f"{where}: its column {name} is {field.type}, neither bytes nor {{bytes, path}}")
    inside = {one.name for one in field.type}
    return f"{name}.bytes", f"{name}.path" if "path" in inside else None


def _field(schema: pa.Schema, path: str) -> pa.Field | None:
    """Return the field of this name, or at this dotted path."""
    if path in schema.names:
        return schema.field(path)
    here: Any = list(schema)
    found = None
    for name in path.split("."):
        found = next((field for field in here if field.name == name), None)
        if found is None:
            return None
        here = list(found.type) if pa.types.is_struct(found.type) else []
    return found


def _holds_bytes(kind: pa.DataType) -> bool:
    """Return whether it is the hub's struct of an image: bytes, and usually a path."""
    return pa.types.is_struct(kind) and any(field.name == "bytes" and _is_bytes(field.type) for field in kind)


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _is_odd(kind: pa.DataType) -> bool:
    return pa.types.is_nested(kind) or _is_bytes(kind)


def _there(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema)[:500] or "none at all"


def _features(schema: pa.Schema) -> Mapping[str, Any]:
    """Return the hub's own description of the columns, if the file has one."""
    try:
        value = parse_json((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = value["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return features if isinstance(features, dict) else {}


def _class_names(features: Mapping[str, Any], path: str) -> list[str] | None:
    """Return the names of a column's classes if it is the hub's ClassLabel."""
    here: Any = features
    for name in [path] if path in features else path.split("."):
        here = here.get(name) if isinstance(here, dict) else None
    if not isinstance(here, dict) or here.get("_type") != "ClassLabel" or not isinstance(here.get("names"), list):
        return None
    return [str(name) for name in here["names"]]
