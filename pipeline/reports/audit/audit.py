"""Audit: compare random images with all others in float64, and check which of their pairs the candidates hold.

Shares no code with the search it judges (an import contract enforces it): which images are compared
(compared.py), which pairs are true (truth.py), which of them the manifest holds (stored.py), and how to
judge the difference (judge.py). Vectors that changed since the search are not the search's fault: they end
the audit (truth.py). Memory: 64 bytes per image, a batch of vectors, and the pairs that contain a drawn
image.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from manifests.errors import Refused
from manifests.manifest import Manifest, json_bytes
from pipeline.reports.audit.compared import Compared, compared_ids, digests_of, draw
from pipeline.reports.audit.judge import judged
from pipeline.reports.audit.result import Audit
from pipeline.reports.audit.stored import stored_pairs
from pipeline.reports.audit.truth import true_pairs
from pipeline.run.growth import rebuilt_since
from pipeline.run.layout import AUDIT
from pipeline.run.run import Run
from stages.accuracy import exact


def audit(run: Run, *, images: int, seed: int) -> Audit:
    """Audit a run's candidates on `images` random images, or on all if there are no more; store it beside them.

    Raises NotCommitted or Refused where a step the candidates were made from is missing, or was made
    again since; Damaged where a shard was changed since; Unbalanced where a compared image has no vector.
    """
    begun, candidates = time.monotonic(), run.manifest("candidates")
    made_of = _made_of(run, candidates)
    search = candidates.lineage.settings["search"]
    ids = compared_ids(made_of["sketches"], made_of["copies"])
    compared = Compared(ids, draw(len(ids), images, seed), digests_of(made_of["sketches"], ids))
    truth = true_pairs(made_of["embeddings"], (search["blind"], search["reference"]), compared, search["min_cosine"])
    verdict = judged(truth, stored_pairs(candidates, compared), candidates, compared.ids)
    facts = _facts(candidates, search, compared) | _recall(verdict, whole=len(compared.drawn) == len(ids))
    result = Audit(**verdict, **facts, seed=seed, seconds=round(time.monotonic() - begun, 1))
    candidates.folder.write(AUDIT, json_bytes(result.to_json()))
    return result


def _made_of(run: Run, candidates: Manifest) -> dict[str, Manifest]:
    """Return the manifests the search read; raise Refused if they are no longer the ones it read."""
    found = {name: run.manifest(name) for name in ("embeddings", "sketches", "copies")}
    for name, manifest in found.items():
        if candidates.made_of.get(name, manifest.content) != manifest.content:
            raise _made_of_another(candidates, manifest)
    return found


def _made_of_another(candidates: Manifest, now: Manifest) -> Refused:
    name, folder = now.folder.name, candidates.folder
    if candidates.made_of[name] == now.content_at(candidates.lineage.inputs.get(name, "")):
        return Refused(f"{folder.url} was made before {name} grew; `blindpairs run` extends it, then audit it")
    return rebuilt_since(folder, [name])


def _facts(candidates: Manifest, search: Mapping[str, Any], compared: Compared) -> dict[str, Any]:
    drawn, count = len(compared.drawn), len(compared.ids)
    return {
        "images": drawn,
        "of": count,
        "comparisons": drawn * (count - 1) - drawn * (drawn - 1) // 2,
        "method": search["method"],
        "floor": search["min_cosine"],
        "max_per_image": search["max_per_image"],
        "fingerprint": candidates.lineage.fingerprint,
        "content": candidates.content,
    }


def _recall(verdict: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    found, missed = verdict["found"], verdict["missed"]
    return {"recall": recall(found, missed), "interval": interval(found, missed, whole=whole)}


def recall(found: int, missed: int) -> float | None:
    """Return the share found; None where there was nothing to find."""
    return found / (found + missed) if found + missed else None


def interval(found: int, missed: int, *, whole: bool = False) -> tuple[float, float]:
    """Return Clopper and Pearson's exact 95 % interval of the recall; (0, 1) for no pairs.

    `whole`: every pair was compared, so the recall is known. The interval assumes that pairs are
    independent draws; pairs from one cluster of look-alikes are not, so draw many images.
    """
    share = recall(found, missed)
    if whole and share is not None:
        return share, share
    return exact(found, found + missed)
