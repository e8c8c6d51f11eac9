"""Card: the README.md with which the Hugging Face hub shows a dataset: what it is, how it was made, who may use it.

Only the settings named here are shown: a run's settings hold paths of the machine it was made on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import yaml

from pipeline.benchmark.benchmark import Benchmark, asks, states
from pipeline.benchmark.checks.codes import KNOWN as KNOWN_FAULTS
from pipeline.benchmark.formats.writing.markdown import filled
from stages.patterns import BY_NAME

NOT_STATED, NOT_RECORDED = "not stated", "not recorded"
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
# license names known to the hub that photos have
KNOWN = (
    *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
    *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0"),
    *("cc-by-nc-sa-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "mit", "apache-2.0"),
)


@dataclass(frozen=True)
class Source:
    """Where images of the benchmark come from, as far as that may be published."""

    name: str
    kind: str
    digest: str
    images: int


@dataclass(frozen=True)
class Encoder:
    """One of the two encoders that found the pairs: its role, its model, and the sha256 of each file of its weights."""

    role: str
    model: str
    weights: tuple[tuple[str, str], ...]


def card(benchmark: Benchmark) -> str:
    """Return the complete README.md."""
    made_of, pairs = benchmark.made_of, benchmark.pairs
    was_found = "search.blind" in made_of
    body = filled(
        "card.md.j2",
        benchmark=benchmark,
        rows=2 * len(pairs),
        asking=sum(map(asks, pairs)),
        stating=sum(map(states, pairs)),
        patterns=_patterns(benchmark),
        sources=sources_of(benchmark),
        encoders=[_encoder(made_of, role) for role in ("blind", "reference")] if was_found else (),
        chosen=_chosen(benchmark) if was_found else (),
        licenses=licenses_of(benchmark),
        authors=len({pair.author for pair in pairs}),
        reviewed=sum(bool(pair.reviewed_by) for pair in pairs),
        missed=sum(pair.is_missed for pair in pairs),
        accepted=[KNOWN_FAULTS[code].meaning for code in benchmark.accepted],
        program=version("blindpairs"),
    )
    head = yaml.safe_dump(_front(benchmark), sort_keys=False, allow_unicode=True, width=1_000)
    return f"---\n{head}---\n\n{body}"


def sources_of(benchmark: Benchmark) -> Sequence[Source]:
    counts, told = Counter(photo.source for photo in benchmark.photos), benchmark.made_of
    return [
        Source(
            name,
            str(told.get(f"images.sources.{name}.kind", NOT_STATED)),
            str(told.get(f"found.{name}.digest", NOT_STATED)),
            count,
        )
        for name, count in sorted(counts.items())
    ]


def licenses_of(benchmark: Benchmark) -> Sequence[tuple[str, str, int]]:
    """Return (license, source, number of images), most images first."""
    counts = Counter((photo.license or NOT_STATED, photo.source) for photo in benchmark.photos)
    return [(*which, count) for which, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]


def _chosen(benchmark: Benchmark) -> Sequence[tuple[str, int]]:
    """Return (thresholds, number of pairs chosen by them), most pairs first."""
    return Counter(pair.origin.thresholds or NOT_RECORDED for pair in benchmark.pairs).most_common()


def _patterns(benchmark: Benchmark) -> Sequence[tuple[str, int]]:
    """Return (title, number of pairs) of each pattern present, in MMVP's order, then of the pairs without a pattern."""
    counts = Counter(pair.pattern for pair in benchmark.pairs)
    named = [(BY_NAME[name].title, counts[name]) for name in BY_NAME if counts[name]]
    return [*named, *([("none named", counts[None])] if counts[None] else [])]


def _encoder(made_of: Mapping[str, Any], role: str) -> Encoder:
    name = made_of[f"search.{role}"]
    before, weights = f"embed.encoders.{name}.", f"weights.{name}."
    settings = (made_of.get(before + part) for part in ("kind", "model", "pretrained", "pooling"))
    model = ", ".join(_without_folders(str(one)) for one in settings if one)
    hashes = ((key.removeprefix(weights), str(value)) for key, value in made_of.items() if key.startswith(weights))
    return Encoder(role, f"{name}: {model}", tuple(sorted(hashes)))


def _without_folders(model: str) -> str:
    """Return the name of a model on the hub unchanged; of a model in a local folder, only the folder's own name."""
    is_place = model.startswith(("/", "~", ".", "local-dir:")) or "://" in model
    return model.rstrip("/").rsplit("/", 1)[-1] if is_place else model


def _front(benchmark: Benchmark) -> dict[str, Any]:
    """Return the card's metadata for the hub. A license is named only if all images state the same, known one."""
    stated = {(photo.license or "").strip().lower().replace(" ", "-") for photo in benchmark.photos}
    license = next(iter(stated)) if len(stated) == 1 else ""
    tasks = ["visual-question-answering"] if any(map(asks, benchmark.pairs)) else ["zero-shot-image-classification"]
    rows = 2 * len(benchmark.pairs)
    return {
        "pretty_name": " ".join(benchmark.name.split()),
        "license": license if license in KNOWN else "other",
        "task_categories": tasks,
        "tags": ["clip-blind-pairs", "mmvp", "vision-language-models", "image"],
        "size_categories": [next((name for most, name in SIZES if rows < most), "100K<n<1M")],
        "configs": [{"config_name": "default", "data_files": [{"split": "test", "path": "data/test-*.parquet"}]}],
    }
