"""Round trips: what is exported and imported again is what it was."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow.dataset import dataset
from world.authoring import author, frozen_run, paired_run, pairs_of
from world.committed import committed
from world.published import FOLDERS, as_published, mmvp_folder, run_here, stated, vlm_folder

from manifests.tables import IMAGES
from pipeline.benchmark.benchmark import Benchmark, Posed, read_benchmark
from pipeline.benchmark.formats import importing
from pipeline.benchmark.formats.reading.published import PublishedPair
from pipeline.benchmark.formats.reading.returning import read_label_studio
from pipeline.benchmark.formats.writing import huggingface, mmvp, mmvp_vlm
from pipeline.benchmark.formats.writing.form import Form
from pipeline.benchmark.formats.writing.label_studio import write_label_studio
from pipeline.benchmark.freeze import freeze
from pipeline.cli.formats import import_from
from pipeline.run.run import Run
from stages.author.authored import CHOICES, MOST, TEXTS, Authored, checked
from stages.author.store import NAME, Store
from stages.patterns import PATTERNS

pytestmark = pytest.mark.slow

MMVP, VLM, HUGGINGFACE = mmvp.FORM, mmvp_vlm.FORM, huggingface.FORM


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    run_here(monkeypatch)


def again(benchmark_: Benchmark, form: Form, root: Path) -> Benchmark:
    """Exported in a form, imported as a run, read."""
    (to := root / form.name).mkdir(parents=True)
    form.write(form.part(benchmark_), to)
    import_from(str(to), str(root / "runs" / form.name), form.name)
    return read_benchmark(Run.open(str(root / "runs" / form.name)))


def asked(pair: Posed) -> list[Any]:
    """What MMVP carries of a pair."""
    return [pair.question, pair.options, [(side.answer, looks(side)) for side in pair.sides]]


def stated_(pair: Posed) -> list[Any]:
    """What MMVP-VLM carries of a pair."""
    return [pair.pattern, [(side.statement, looks(side)) for side in pair.sides]]


def all_of(pair: Posed) -> list[Any]:
    """What the hub's form carries of a pair; its image_ids are the new run's."""
    of_images = [(side.photo.license, side.photo.url) for side in pair.sides]
    return [*asked(pair), *stated_(pair), pair.use, pair.author, pair.authored_at, of_images]


def looks(side: Any) -> str:
    return hashlib.sha256(side.photo.read()).hexdigest()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """150 pairs."""
    return read_benchmark(Run.open(str(frozen_run(tmp_path_factory.mktemp("whole"), 150, training=3))))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three pairs."""
    return paired_run(tmp_path_factory.mktemp("three"), 3)


def test_a_whole_mmvp_is_what_it_was(whole: Benchmark, tmp_path: Path) -> None:
    assert [*map(asked, again(whole, MMVP, tmp_path).pairs)] == [*map(asked, whole.of().pairs)]


def test_a_whole_mmvp_vlm_is_what_it_was_pattern_by_pattern(whole: Benchmark, tmp_path: Path) -> None:
    places = [pattern.name for pattern in PATTERNS]
    wanted = sorted(whole.of().pairs, key=lambda pair: places.index(str(pair.pattern)))
    assert [*map(stated_, again(whole, VLM, tmp_path).pairs)] == [*map(stated_, wanted)]


def test_a_whole_data_set_of_the_hub_is_what_it_was(whole: Benchmark, tmp_path: Path) -> None:
    assert [*map(all_of, again(whole, HUGGINGFACE, tmp_path).pairs)] == [*map(all_of, whole.of().pairs)]


def test_pairs_that_only_ask_or_only_state_keep_what_they_have_not(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 4)
    author(run, [0], left_statement="", right_statement="", pattern="")
    author(run, [1], left_statement="", right_statement="")
    author(run, [2], question="", option_a="", option_b="", left_answer="")
    author(run, [3])
    freeze(Run.open(str(run)))
    benchmark_ = read_benchmark(Run.open(str(run)))
    assert [*map(all_of, again(benchmark_, HUGGINGFACE, tmp_path).pairs)] == [*map(all_of, benchmark_.pairs)]


def test_license_and_address_of_an_image_go_with_it(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 2)
    rows = dataset(run / "images").to_table().to_pylist()
    for place, row in enumerate(rows):
        row |= {"license": [None, "CC BY 2.0"][place % 2], "url": f"https://example.org/{place}"}
    for file in (run / "images").iterdir():
        file.unlink()
    committed(run / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns))
    author(run, [0, 1])
    freeze(Run.open(str(run)))
    benchmark_ = read_benchmark(Run.open(str(run)))
    assert [*map(all_of, again(benchmark_, HUGGINGFACE, tmp_path).pairs)] == [*map(all_of, benchmark_.pairs)]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_what_was_published_is_exported_again_byte_by_byte(tmp_path: Path) -> None:
    folders = {MMVP: mmvp_folder(tmp_path, as_published()), VLM: vlm_folder(tmp_path, stated(2, FOLDERS))}
    for form, folder in folders.items():
        import_from(str(folder), str(tmp_path / "runs" / form.name), form.name)
        (to := tmp_path / form.name).mkdir()
        form.write(read_benchmark(Run.open(str(tmp_path / "runs" / form.name))), to)
        (folder / "Questions.csv").write_bytes((folder / "Questions.csv").read_bytes().replace(b"\r\n", b"\n"))
        assert files_of(to) == files_of(folder)


def test_a_photo_that_is_no_jpeg_comes_back_as_nearly_the_same_pixels(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    path = tmp_path / "made-photos" / "smooth.png"
    coarse = Image.fromarray(np.random.default_rng(2).integers(0, 256, (6, 6, 3), dtype=np.uint8))
    coarse.resize((90, 70), Image.Resampling.BICUBIC).save(path)
    rows = dataset(run / "images").to_table().to_pylist()
    rows[0] |= {"uri": str(path), "length": path.stat().st_size, "format": "PNG"}
    rows[0] |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    for file in (run / "images").iterdir():
        file.unlink()
    committed(run / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns))
    author(run, [0])
    freeze(Run.open(str(run)))
    before = read_benchmark(Run.open(str(run))).photos
    after = again(read_benchmark(Run.open(str(run))), MMVP, tmp_path).photos
    assert {one.format for one in after} == {"JPEG"}
    for one, other in zip(before, after, strict=True):
        was, now = (np.asarray(Image.open(io.BytesIO(which.read())), dtype=int) for which in (one, other))
        assert was.shape == now.shape
        assert np.abs(was - now).max() <= 16
        assert (one.format != "JPEG") or one.read() == other.read()


SPECIAL = (
    *('"', ",", ";", "=cmd|' /C calc'!A0", "+1", "-1", "@x", "''", "\\", "\t", "\n", "é", "犬🐕", "يركض", "\u2028"),
    *("NULL", "0012", "{{7*7}}", "&amp;", "<b>"),
)


def as_kept(text: str) -> str:
    """As the store keeps what a person typed."""
    return checked({"question": text})["question"]


typed = st.lists(
    st.sampled_from([*SPECIAL, " ", "a", "Is it?"]) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    max_size=6,
).map("".join)
texts = typed.map(as_kept)
words = texts.filter(bool)
options = typed.map(lambda text: as_kept(text.replace("(", "").replace(")", ""))).filter(bool)
TWO: dict[str, Any] = {"min_size": 2, "max_size": 2, "unique_by": str.casefold}  # as a whole pair has them


@st.composite
def written_out(draw: st.DrawFn, pair: Posed) -> Posed:
    """The pair with what a person may have written of it, answers and statements for either image."""
    answers, statements = draw(st.permutations("ab")), draw(st.lists(words, **TWO))
    first, second = (
        replace(side, answer=answer, statement=statement)
        for side, answer, statement in zip(pair.sides, answers, statements, strict=True)
    )
    said = {"question": draw(words), "options": tuple(draw(st.lists(options, **TWO)))}
    pattern = draw(st.sampled_from([pattern.name for pattern in PATTERNS]))
    return replace(pair, first=first, second=second, pattern=pattern, **said)


def read_again(pairs: Sequence[Posed], whole: Benchmark, form: Form) -> Sequence[PublishedPair]:
    with tempfile.TemporaryDirectory() as name:
        form.write(form.part(replace(whole, pairs=tuple(pairs))), Path(name))
        return importing.READERS[form.name](Path(name), "as_found").pairs


EXAMPLES = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@EXAMPLES
@given(data=st.data())
def test_any_words_survive_every_form(whole: Benchmark, data: st.DataObject) -> None:
    pairs = [data.draw(written_out(pair)) for pair in whole.pairs[: data.draw(st.integers(1, 3))]]
    told = [(one.question, (one.option_a, one.option_b), one.first.answer) for one in read_again(pairs, whole, MMVP)]
    assert told == [(pair.question, pair.options, pair.first.answer) for pair in pairs]
    states = [(one.pattern, one.first.statement, one.second.statement) for one in read_again(pairs, whole, VLM)]
    in_order = [pair for pattern in PATTERNS for pair in pairs if pair.pattern == pattern.name]
    assert states == [(pair.pattern, *(side.statement for side in pair.sides)) for pair in in_order]
    both = [
        (one.question, (one.option_a, one.option_b), one.pattern, one.first.answer, one.first.statement)
        for one in read_again(pairs, whole, HUGGINGFACE)
    ]
    assert both == [(one.question, one.options, one.pattern, one.first.answer, one.first.statement) for one in pairs]


@EXAMPLES
@given(
    st.lists(
        st.fixed_dictionaries(
            {name: st.sampled_from(known) for name, known in CHOICES.items()} | dict.fromkeys(TEXTS, texts)
        ),
        max_size=3,
    )
)
def test_label_studio_gives_back_all_that_people_write_into_an_empty_store(three: Path, written: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        store, other = Path(name) / "store.sqlite", Path(name) / "other.sqlite"
        opened = Store(store)
        said = {"author": "ann", "authored_at": "2026-01-01T00:00:00+00:00"}
        known = zip(pairs_of(three), written, strict=False)
        opened.adopt([replace(Authored(*ids), **checked(one), **said) for ids, one in known], "ann")
        opened.close()
        before = pairs_in(store)
        (to := Path(name) / "to").mkdir()
        write_label_studio(Run.open(str(three)), store, to, "to")
        read_label_studio(Run.open(str(three)), store, to / "tasks.json", "bob")
        assert pairs_in(store) == before
        read_label_studio(Run.open(str(three)), other, to / "tasks.json", "bob")
        assert written_in(pairs_in(other) if other.exists() else []) == written_in(before)


def pairs_in(store: Path) -> list[Authored]:
    opened = Store(store)
    try:
        return opened.pairs()
    finally:
        opened.close()


def written_in(pairs: Sequence[Authored]) -> list[dict[str, Any]]:
    """What people wrote, of the pairs of which they wrote anything."""
    names = ("left_id", "right_id", *CHOICES, *TEXTS)
    nothing = asdict(Authored("", ""))
    kept = [{name: getattr(pair, name) for name in names} for pair in pairs]
    return [one for one in kept if any(one[name] != nothing[name] for name in (*CHOICES, *TEXTS))]


def test_a_run_of_pairs_goes_to_label_studio_and_back(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 20)
    author(run, range(15))
    author(run, range(3, 6), decision="rejected")
    author(run, range(6, 8), use="training", pattern="")
    (to := tmp_path / "to").mkdir()
    write_label_studio(Run.open(str(run)), run / NAME, to, "to")
    read_label_studio(Run.open(str(run)), tmp_path / "other.sqlite", to / "tasks.json", "bob")
    assert written_in(pairs_in(tmp_path / "other.sqlite")) == written_in(pairs_in(run / NAME))
    assert len(written_in(pairs_in(run / NAME))) == 15


def test_the_longest_texts_survive(tmp_path: Path) -> None:
    run, most = paired_run(tmp_path, 1), "ä," * (MOST // 2)
    author(run, [0], question=most, option_a=most, option_b=most[:-1], left_statement=most, right_statement=most[:-1])
    freeze(Run.open(str(run)))
    benchmark_ = read_benchmark(Run.open(str(run)))
    assert [*map(asked, again(benchmark_, MMVP, tmp_path).pairs)] == [*map(asked, benchmark_.pairs)]
    assert [*map(stated_, again(benchmark_, VLM, tmp_path).pairs)] == [*map(stated_, benchmark_.pairs)]
