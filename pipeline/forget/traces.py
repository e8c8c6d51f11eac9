"""Traces: remove forgotten images from a run's other files: error texts, and bounds of a plan."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from manifests.manifest import json_bytes
from manifests.parsing import parse_json
from manifests.removal import Held
from manifests.storage import Folder
from pipeline.run.events.events import EVENTS
from pipeline.run.layout import FAILURES
from stages.download.fetch.targets import forms_of

WORDS = ("error", "why", "trace")  # in events and failures: texts that may name an image
BOUNDS = ("after", "to")  # in the plan of a folder: the files that bound a task
SAID = "(this named an image that was forgotten)"
NAMES = ("image_id", "url", "sha256", "key")
START = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]*")  # where a word may begin, and its letters and digits there

Names = Callable[[str], bool]


def naming(rows: Sequence[Mapping[str, Any]]) -> Names:
    """Return a test whether a text names one of these images, by id, URL (written or requested), hash or key.

    Only complete words match. Words are found by the letters and digits they begin with, so that the cost is linear
    in the length of the text, however many names there are.
    """
    words = {str(row[name]) for row in rows for name in NAMES if row[name]}
    words |= {form for row in rows if row["url"] for form in forms_of(row["url"])}
    lengths = defaultdict[str, set[int]](set)  # initial letters and digits -> lengths of the words
    for word in words:
        lengths[_run(word)].add(len(word))
    return lambda text: any(
        text[found.start() : end] in words and not _run(text[end : end + 1])
        for found in START.finditer(text)
        for end in (found.start() + length for length in lengths.get(found[0], ()))
    )


def _run(text: str) -> str:
    """Return the ASCII letters and digits that a text begins with."""
    found = START.match(text)
    return found[0] if found else ""


def without_traces(run: Folder, names: Names) -> None:
    """Remove text that names the images from events, failures and plans. Can be repeated."""
    folder = run / EVENTS
    for name in folder.sizes():
        _again(folder, name, _lines(folder.read(name), names))
    for step in run.folders():
        if (run / step).has(FAILURES):
            _clean_failures(run / step, names)
    if (images := Held.of(run / "images")) and images.plan:
        _without_bounds(images, names)


def _clean_failures(step: Folder, names: Names) -> None:
    data = step.read(FAILURES)
    try:
        value = parse_json(data)
    except ValueError:
        if names(data.decode("utf-8", "replace")):
            step.forget(FAILURES)
        return
    _again(step, FAILURES, json_bytes(_cleaned(value, names)), unless=_cleaned(value, names) == value)


def _lines(data: bytes, names: Names) -> bytes:
    """Return the cleaned events, one per line; an incomplete line is kept unless it names an image."""
    found = []
    for line in data.splitlines(keepends=True):
        value = None
        with suppress(ValueError):
            value = parse_json(line)
        if value is None:
            found.append(b"" if names(line.decode("utf-8", "replace")) else line)
        elif (cleaned := _cleaned(value, names)) == value:
            found.append(line)
        else:
            found.append(json.dumps(cleaned, separators=(",", ":")).encode() + b"\n")
    return b"".join(found)


def _cleaned(value: Any, names: Names, words: bool = False) -> Any:
    if isinstance(value, dict):
        return {key: _cleaned(child, names, key in WORDS) for key, child in value.items()}
    if isinstance(value, list):
        return [_cleaned(child, names, words) for child in value]
    return SAID if words and isinstance(value, str) and names(value) else value


def _again(folder: Folder, name: str, data: bytes, *, unless: bool = False) -> None:
    if not unless and folder.read(name) != data:
        folder.write(name, data)


def _without_bounds(images: Held, names: Names) -> None:
    """Remove the bounds that name an image from finished tasks, which no longer need them."""
    done, tasks = set(images.shards()), []
    for task in images.tasks:
        told = {key: SAID for key in BOUNDS if task["name"] in done and isinstance(task.get(key), str)}
        tasks.append(task | {key: text for key, text in told.items() if names(task[key])})
    if tasks != images.tasks:
        images.plan_again(tasks)
