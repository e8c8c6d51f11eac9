"""The command line as a person meets it: one-line errors, exit codes, answers for people and for programs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from world.commands import COMMAND, blindpairs, demo_run, environment
from world.in_process import answered

STEPS = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")


@pytest.fixture(scope="module")
def run(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cli")
    ended = blindpairs(*demo_run(scenes, root))
    assert ended.returncode == 0, ended.stderr
    assert "gallery: " in ended.stdout
    return root / "demo"


@pytest.fixture(scope="module")
def begun(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run as far as its embeddings."""
    root = tmp_path_factory.mktemp("begun")
    assert answered(*demo_run(scenes, root, "--until", "embeddings")).returncode == 0
    assert not (root / "demo/directions").exists()
    return root / "demo"


def refused(*words: str) -> str:
    return line_of(answered(*words))


def line_of(ended: subprocess.CompletedProcess[str]) -> str:
    """What a command said that was refused."""
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    assert len(ended.stderr.strip().splitlines()) == 1
    return ended.stderr


def test_status_tells_each_step_for_people_and_for_programs(run: Path) -> None:
    assert "embeddings  committed  8/8     120" in answered("status", str(run)).stdout
    steps = json.loads(answered("status", str(run), "--json").stdout)["steps"]
    assert [step["step"] for step in steps] == list(STEPS)
    assert all(
        step["counts"]["seen"] == step["counts"]["ok"] + sum(step["counts"]["rejected"].values()) for step in steps
    )


def test_status_of_a_begun_run_says_what_is_missing(begun: Path, tmp_path: Path) -> None:
    shutil.copytree(begun, tmp_path / "demo")
    (tmp_path / "demo/embeddings/_lineage.json").unlink()
    (tmp_path / "demo/embeddings/scenes-00002.parquet").unlink()
    assert "embeddings  not finished  7/8" in answered("status", str(tmp_path / "demo")).stdout


def test_show_prints_rows_best_pair_first(run: Path) -> None:
    rows = json.loads(answered("show", str(run), "pairs", "--rows", "3", "--json").stdout)["rows"]
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert "blind_cosine" in answered("show", str(run), "pairs").stdout


def test_lineage_names_settings_sources_and_the_steps_before(run: Path) -> None:
    text = answered("lineage", str(run), "pairs").stdout
    assert "filter.reference_max = 0.6" in text
    assert "found.scenes.files = 8" in text
    steps = json.loads(answered("lineage", str(run), "pairs", "--json").stdout)["steps"]
    assert [step["step"] for step in steps] == list(STEPS[::-1])


def test_plan_says_what_would_be_done_and_starts_nothing(run: Path, scenes: Path, tmp_path: Path) -> None:
    fresh = answered("plan", *demo_run(scenes, tmp_path)[1:], "--no-measure")
    assert fresh.returncode == 0
    assert "images      build  0/8" in fresh.stdout
    assert not (tmp_path / "demo").exists()
    changed = answered("plan", *demo_run(scenes, run.parent)[1:], "--set", "filter.reference_max=0.4")
    assert "filter.reference_max was 0.6, now 0.4" in changed.stdout
    assert changed.stdout.count("reuse") == 6


def test_report_writes_the_gallery_again(run: Path) -> None:
    before = (run / "report.html").read_bytes()
    (run / "report.html").unlink()
    assert answered("report", str(run)).returncode == 0
    assert (run / "report.html").read_bytes() == before


def test_a_report_of_an_unfinished_run_is_refused(begun: Path) -> None:
    assert "holds no finished manifest" in refused("report", str(begun))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nothing"], "neither a file nor a preset"),
        (["run", "photos"], "--set images.sources.0.uri="),
        (["run", "demo", "--set", "images.sources.0.uri=nowhere/*.tar"], "names no file"),
        (["run", "demo", "--set", "filter.reference_max=2"], "filter.reference_max"),
        (["run", "demo", "--set", "images.sources.0.uri=x.tar", "--until", "pears"], "no such step"),
        (["status", "nowhere"], "nowhere does not exist"),
        (["show", "nowhere", "pairs"], "nowhere does not exist"),
        (["presets", "mvmp"], "preset 'mvmp' is not known; did you mean mmvp? presets are: demo"),
    ],
)
def test_what_cannot_be_done_as_asked_is_refused_in_one_line(words: list[str], said: str) -> None:
    assert said in refused(*words)


def test_a_process_that_is_refused_says_its_line_and_ends_with_2() -> None:
    assert "nowhere does not exist" in line_of(blindpairs("status", "nowhere"))


def test_with_json_an_error_is_json_too() -> None:
    ended = answered("status", "nowhere", "--json")
    told = json.loads(ended.stdout)
    assert (told["exit_code"], ended.returncode) == (2, 2)
    assert ended.stderr == f"blindpairs: {told['error']}\n"
    assert answered("status", "nowhere").stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status", "runs/a", "--jsn", "--json"], "--jsn"),
        (["show", "runs/a", "--json"], "'STEP'"),
        (["show", "runs/a", "pairs", "--json", "--rows", "few"], "'--rows'"),
        (["shows", "runs/a", "--json"], "'shows'"),
        (["--json", "status", "runs/a"], "--json"),
    ],
)
def test_with_json_words_that_cannot_be_parsed_are_an_error_in_json_too(words: list[str], said: str) -> None:
    ended = answered(*words)
    told = json.loads(ended.stdout)
    assert said in told["error"]
    assert (told["exit_code"], ended.returncode) == (2, 2)
    assert ended.stderr == f"blindpairs: {told['error']}\n"


def test_without_json_words_that_cannot_be_parsed_are_told_the_usage() -> None:
    ended = answered("status", "runs/a", "--jsn")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Usage: " in ended.stderr


def test_an_unknown_step_is_told_the_known_ones(run: Path) -> None:
    assert f"did you mean pairs? steps are: {', '.join(STEPS)}" in refused("show", str(run), "paris")
    assert f"no step 'x'; steps are: {', '.join(STEPS)}" in refused("show", str(run), "x")


def test_missing_weights_are_refused_before_any_work(scenes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    change = f"embed.encoders.structure={{kind: transformers, model: {folder}}}"
    assert "holds no config.json" in refused(*demo_run(scenes, tmp_path, "--set", change))
    assert not (tmp_path / "demo/images/_plan.json").exists()


def test_offline_without_cached_weights_is_refused_without_asking_anyone(scenes: Path, tmp_path: Path) -> None:
    change = "embed.encoders.structure={kind: transformers, model: nobody/nothing}"
    ended = blindpairs(*demo_run(scenes, tmp_path, "--set", change, "--offline"))
    assert "run once without --offline" in line_of(ended)


def test_a_root_that_cannot_be_written_is_refused(scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(*demo_run(scenes, tmp_path / "file"))


def test_a_reader_that_has_read_enough_is_no_error(run: Path) -> None:
    words = " ".join([*COMMAND, "show", str(run), "images", "--rows", "120", "--json"])
    piped = ["bash", "-o", "pipefail", "-c", f"{words} | head -c 1"]
    ended = subprocess.run(piped, env=environment(), capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "{", "")


def test_presets_are_printed_to_start_from() -> None:
    assert "facebook/dinov2-large" in answered("presets", "mmvp").stdout
    names = ["demo", "imagenet", "laion-aesthetics", "mmvp", "photos", "siglip-dinov2"]
    assert answered("presets").stdout.split() == names


@pytest.mark.slow
def test_a_search_is_planned_for_a_corpus_that_is_not_there() -> None:
    ended = answered("plan", "mmvp", "--images", "12000000", "--no-measure")
    assert ended.returncode == 0, ended.stderr
    assert "search of 12,000,000 images" in ended.stdout
    assert ended.stdout.endswith("nothing was started; no source and no hub was asked\n")


@pytest.mark.parametrize(
    "words",
    [
        ("run", "demo", "--ray", "https://me:hunter2@127.0.0.1:1", "--set", "images.sources.0.uri=nowhere/*.tar"),
        ("run", "demo", "--set", 'images.sources={name: a, uri: "s3://KEY:hunter2@bucket/x.tar"}'),
        ("run", "demo", "--set", "images.sources.0.uri=s3://KEY:hunter2@bucket/x.tar"),
        ("status", "https://hunter2@127.0.0.1:1/runs"),
    ],
)
def test_a_secret_in_a_url_is_never_said_again(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = blindpairs(*words, cwd=tmp_path)  # what a library says while it ends is heard too
    assert ended.returncode in (1, 2)
    assert "hunter2" not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_command_that_is_refused_leaves_the_gallery(run: Path, scenes: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "demo")
    changed = ("--set", "filter.reference_max=0.5", "--set", "workers.filter.cpus=999")
    assert answered(*demo_run(scenes, tmp_path, *changed)).returncode == 2
    assert (tmp_path / "demo/report.html").exists()


def test_a_terminal_that_takes_no_words_stops_nothing(scenes: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, *demo_run(scenes, tmp_path, "--until", "images")],
            env=environment(),
            stderr=full,
            stdout=subprocess.PIPE,
        )
    assert ended.returncode == 0
