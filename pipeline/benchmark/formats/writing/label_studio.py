"""Label Studio: a run's pairs as tasks of Label Studio, with what people have written about them so far.

The layout is that of Label Studio's own JSON: a task has `data`, and its `annotations` have a `result` for each control
of the labeling interface (config.xml). `data.written` is what the run had at the export, from which
reading/returning.py knows what was changed there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.benchmark.formats.writing.form import RunForm, as_jpeg
from pipeline.benchmark.formats.writing.markdown import filled
from pipeline.benchmark.photos import CHANGED, Photo, photos_of
from pipeline.run.run import Run
from stages.author.authored import CHOICES, OPEN, SIDES, TEXTS, Authored, Ids
from stages.author.store import Store
from stages.images import ImageRefused
from stages.patterns import PATTERNS

TASKS, CONFIG, IMAGES = "tasks.json", "config.xml", "images"
GONE = "an image is gone, or does not decode"
OTHER = "an image was changed since the run read it"
SAYS = {
    "decision": "Is it a pair to ask about?",
    "pattern": "What tells the two apart?",
    "use": "What is it for?",
    "left_answer": "Which option is right for the left image?",
    "question": "Question, the same for both",
    "option_a": "Option (a)",
    "option_b": "Option (b)",
    "left_statement": "What is true of the left image only",
    "right_statement": "What is true of the right image only",
}
HINTS = {pattern.name: pattern.asks for pattern in PATTERNS}


def write_label_studio(
    run: Run, store: Path | None, folder: Path, called: str, most: int | None = None
) -> tuple[int, Mapping[str, int]]:
    """Write tasks, labeling interface and photos of the run's ranked pairs, best first, then of pairs only people know.

    `called`: the future name of `folder`. Returns how many tasks there are, and why other pairs have none. Raises
    NotCommitted for a run without pairs about which nobody has written.
    """
    written = written_pairs(store)
    cosines = ranked(run, required=not written)
    ids = [*cosines, *(one for one in written if one not in cosines)][:most]
    wanted = {image_id for one in ids for image_id in one}
    photos = photos_of(run, wanted)
    (folder / IMAGES).mkdir()
    lost = dict.fromkeys(wanted - photos.keys(), GONE) | _copied(photos.values(), folder / IMAGES)
    why = {one: lost[image_id] for one in ids for image_id in one if image_id in lost}
    known = [one for one in ids if one not in why]
    url = f"/data/local-files/?d={quote(called)}/{IMAGES}/"
    tasks = [_task(written.get(one, Authored(*one)), cosines.get(one), photos, url) for one in known]
    (folder / TASKS).write_text(json.dumps(tasks, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / CONFIG).write_text(config(), encoding="utf-8")
    told = filled("label_studio.md.j2", called=called, run=run.url, tasks=len(tasks))
    (folder / "README.md").write_text(told, encoding="utf-8")
    return len(tasks), dict(sorted(Counter(why.values()).items()))


def written_pairs(store: Path | None) -> dict[Ids, Authored]:
    """Return what people have written so far, by the ids of the pair; nothing if there is no store."""
    if store is None or not store.exists():
        return {}
    with closing(Store(store)) as opened:
        return {pair.ids: pair for pair in opened.pairs()}


def ranked(run: Run, *, required: bool = False) -> dict[Ids, Mapping[str, Any]]:
    """Return both cosines of each ranked pair, best first. Raises NotCommitted if they are `required` and missing."""
    if not required and not run.has("pairs"):
        return {}
    columns = ("left_id", "right_id", "blind_cosine", "reference_cosine", "rank")
    rows = (row for batch in run.manifest("pairs").batches(columns) for row in batch.to_pylist())
    kept = sorted((row for row in rows if row["rank"] is not None), key=lambda row: row["rank"])
    return {(row["left_id"], row["right_id"]): row for row in kept}


def config() -> str:
    """Return the labeling interface: a control for each thing that people write about a pair."""
    choices = [
        {"name": name, "says": SAYS[name], "offered": [(value, HINTS.get(value, "")) for value in offered(name)]}
        for name in CHOICES
    ]
    return filled("label_studio.xml.j2", choices=choices, texts=[{"name": name, "says": SAYS[name]} for name in TEXTS])


def offered(name: str) -> Sequence[str]:
    """Return the choices of a control, without the value of a pair that nobody has touched, which nobody chooses."""
    return [value for value in CHOICES[name] if value not in ("", OPEN)]


def results_of(pair: Authored) -> list[dict[str, Any]]:
    """Return what people have written about a pair, control by control, in Label Studio's format."""
    chosen = [(name, "choices") for name in CHOICES if getattr(pair, name) in offered(name)]
    told = [(name, "textarea") for name in TEXTS if getattr(pair, name)]
    return [_result(pair, name, kind) for name, kind in (*chosen, *told)]


def _result(pair: Authored, name: str, kind: str) -> dict[str, Any]:
    key = "choices" if kind == "choices" else "text"
    return {"from_name": name, "to_name": "left", "type": kind, "value": {key: [getattr(pair, name)]}}


def words_of(pair: Authored) -> dict[str, str]:
    """Return everything that people write about a pair."""
    return {name: getattr(pair, name) for name in (*CHOICES, *TEXTS)}


def _task(pair: Authored, row: Mapping[str, Any] | None, photos: Mapping[str, Photo], url: str) -> dict[str, Any]:
    ids = pair.ids
    shown: dict[str, Any] = dict(zip(("left_id", "right_id"), ids, strict=True))
    for side, image_id in zip(SIDES, ids, strict=True):
        shown |= {side: f"{url}{image_id}.jpg", f"{side}_caption": photos[image_id].caption or ""}
    both = f"blind {row['blind_cosine']:.4f}, reference {row['reference_cosine']:.4f}" if row else "not among the pairs"
    task: dict[str, Any] = {"data": shown | {"cosines": both, "written": words_of(pair) | {"draft": pair.draft}}}
    if words_of(pair) == words_of(Authored(*ids)):
        return task
    if pair.draft:
        return task | {"predictions": [{"model_version": pair.draft, "result": results_of(pair)}]}
    return task | {"annotations": [{"result": results_of(pair)}]}


def _copied(photos: Iterable[Photo], to: Path) -> dict[str, str]:
    """Write each photo as a JPEG, which every browser shows; return image_id -> reason for those that failed."""
    lost = dict[str, str]()
    for photo in photos:
        try:
            (to / f"{photo.image_id}.jpg").write_bytes(as_jpeg(photo))
        except ImageRefused as refusal:
            lost[photo.image_id] = OTHER if refusal.status == CHANGED else GONE
    return lost


FORM = RunForm(
    name="label-studio",
    says="tasks and a labeling interface for Label Studio, with what was written so far; `import` reads them back",
    write=write_label_studio,
    next="{to}/README.md says how Label Studio shows them",
)
