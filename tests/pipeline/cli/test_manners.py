"""The command line's manners: version, groups, completion, logs of libraries, names of formats."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.main import get_command
from typer.testing import CliRunner
from world.commands import environment
from world.in_process import answered
from world.verbose import logs_restored

from pipeline.benchmark.formats.importing import READERS
from pipeline.benchmark.formats.writing import label_studio
from pipeline.benchmark.formats.writing.forms import FORMS, OF_THE_RUN
from pipeline.cli.app import GROUPS, app
from pipeline.cli.options import EXPORTED, IMPORTED, PRESETS, QUESTIONS, STEPS
from pipeline.config.loading import preset_names
from pipeline.executors.logs import show_logs
from pipeline.run import layout
from pipeline.run.events.progress import Progress


def completed(*words: str) -> list[str]:
    """What the Tab key offers for the last of these words, as bash asks for it."""
    asked = {"_BLINDPAIRS_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    return CliRunner().invoke(app, [], prog_name="blindpairs", env=asked, catch_exceptions=False).stdout.split()


def sections(text: str) -> dict[str, list[str]]:
    """The headings of a help text, each with the first words of its entries."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if heading := re.fullmatch(r"(\w+):", line):
            entries = found.setdefault(heading[1], [])
        elif (entry := re.match(r"  (\w\S*)", line)) and found:
            entries.append(entry[1])
    return found


def test_the_version_is_that_of_the_package_and_needs_no_command() -> None:
    ended = answered("--version")
    assert (ended.returncode, ended.stdout) == (0, f"blindpairs {version('blindpairs')}\n")


def test_help_lists_each_command_under_one_heading() -> None:
    found = sections(answered("--help").stdout)
    assert list(found) == ["Options", "Make", "Inspect", "Benchmark", "Models", "Manage"]
    listed = [name for heading in GROUPS for name in found[heading]]
    assert sorted(listed) == sorted(get_command(app).commands)
    assert {"export", "import"} <= set(found["Benchmark"])


def test_help_cuts_no_sentence() -> None:
    shown = answered("--help").stdout
    assert "..." not in shown.replace("[ARGS]...", "")
    assert max(map(len, shown.splitlines())) <= 80
    assert "report which were missed and why." in " ".join(shown.split())


def test_commands_and_options_complete() -> None:
    assert completed("blindpairs", "pa") == ["parity", "patterns"]
    assert "--reference" not in completed("blindpairs", "run", "--r")
    assert {"--root", "--run", "--ray"} <= set(completed("blindpairs", "run", "--r"))


def test_formats_complete_to_those_that_the_command_takes() -> None:
    assert completed("blindpairs", "export", "runs/a", "--format", "l") == ["lmms-eval", "llava", "label-studio"]
    assert completed("blindpairs", "import", "a", "runs/a", "--format", "l") == ["label-studio"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("presets m", ["mmvp"]),
        ("run ph", ["photos"]),
        ("show runs/a ca", ["candidates"]),
        ("lineage runs/a q", ["questions"]),
        ("run photos --redo s", ["sketches"]),
        ("run photos --until em", ["embeddings"]),
    ],
)
def test_names_of_presets_and_steps_complete(words: str, found: list[str]) -> None:
    assert completed("blindpairs", *words.split()) == found


def test_completing_loads_no_table() -> None:
    script = (
        "import sys\nfrom pipeline.cli.app import app\ntry: app(prog_name='blindpairs')\n"
        "except SystemExit: pass\nprint(sorted({'pyarrow', 'numpy', 'fsspec', 'PIL'} & set(sys.modules)))"
    )
    asked = {
        "_BLINDPAIRS_COMPLETE": "complete_bash",
        "COMP_WORDS": "blindpairs export a --format mm",
        "COMP_CWORD": "4",
    }
    words = [sys.executable, "-c", script]
    ended = subprocess.run(words, env=environment() | asked, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["mmvp", "mmvp-vlm", "[]"]


def test_a_script_for_the_shell_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # not the shell that started the tests
    shown = CliRunner().invoke(app, ["--show-completion", "bash"], prog_name="blindpairs").stdout
    assert "complete -o default -F _blindpairs_completion blindpairs" in shown


def test_the_names_of_formats_are_those_of_the_code() -> None:
    assert (*FORMS, *OF_THE_RUN) == EXPORTED
    assert (*READERS, label_studio.FORM.name) == IMPORTED


def test_the_names_of_presets_and_steps_are_those_of_the_code() -> None:
    assert preset_names() == list(PRESETS)
    assert (STEPS, QUESTIONS) == (layout.ORDER, layout.QUESTIONS)


def test_a_wrong_format_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    words = ("import", str(tmp_path / "published"), str(tmp_path / "runs/a"), "--format", "mvmp")
    ended = answered(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "there is no format 'mvmp' to import; did you mean mmvp? there are: mmvp, mmvp-vlm, " in ended.stderr


def test_libraries_are_heard_only_if_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with logs_restored():
        for words in (["presets"], ["--verbose", "presets"]):
            assert answered(*words).returncode == 0
            logging.getLogger("a.library").info("loading after %s", words[0])
    assert re.findall(r"INFO a\.library: (.*)", capsys.readouterr().err) == ["loading after --verbose"]


def test_a_log_is_one_entry_without_secrets_or_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    with logs_restored():
        show_logs()
        show_logs()
        logging.getLogger("a.library").info("read https://me:hush@host/a\x1b[2J\nblindpairs: all is well")
        logging.getLogger("a.library").debug("Authorization: hush")
    entry = r"\d\d:\d\d:\d\d INFO a\.library: read https://\*\*\*@host/a\?\[2J\n  blindpairs: all is well\n"
    assert re.fullmatch(entry, capsys.readouterr().err)


def test_with_logs_no_view_is_redrawn_on_a_terminal() -> None:
    with logs_restored():
        assert "\x1b[" in _shown_at_a_start()
        show_logs()
        assert "\x1b[" not in _shown_at_a_start()


def _shown_at_a_start() -> str:
    written = StringIO()
    with Progress(Console(file=written, force_terminal=True)):
        pass
    return written.getvalue()
