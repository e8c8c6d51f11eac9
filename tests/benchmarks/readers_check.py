"""Whether our readers read as other programs do: their own functions, out of their own files, on random replies.

Only the named functions are run, so that nothing of the programs need be installed. Without folders the packages are
downloaded, 8 MB without what they depend on; a folder is that of the package inside a checkout, such as
VLMEvalKit/vlmeval. The packaged VLMEvalKit 0.0.20 lacks the rule "answer is B", which its repository has: replies that
ours reads by it are counted apart. Expected: 0 of 60,000 read differently, by each.

    python -m tests.benchmarks.readers_check [--lmms-eval FOLDER] [--vlmevalkit FOLDER] [--cambrian FOLDER] [--sheets N]
"""

from __future__ import annotations

import ast
import copy
import logging
import os
import re
import string
import subprocess
import sys
import tempfile
import typing
import zipfile
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from manifests.evaluation_tables import CHOICE, YES_NO
from stages.evaluate.reading import READERS

SHEETS = 10_000
LETTERS = "ABCDEFGHIJ"
PACKAGES = {"lmms-eval": ("lmms-eval==0.7.3", "lmms_eval"), "vlmevalkit": ("ms-vlmeval==0.0.20", "vlmeval")}
MMVP = ("mmvp_process_results", "mmvp_doc_to_target", "_normalize_answer", "_extract_answer_letter")
YES_AND_NO = (("yes", "no"), ("No", "Yes"))
NEWER = "answer_is"  # VLMEvalKit's rule that its package lacks
Right = Callable[[str, Sequence[str], int], bool]  # reply, options, place of the right one


def main() -> None:
    parser = ArgumentParser()
    for name in ("lmms-eval", "vlmevalkit", "cambrian"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--sheets", type=int, default=SHEETS)
    asked = vars(parser.parse_args())
    with tempfile.TemporaryDirectory() as name:
        folders = {one: asked[one.replace("-", "_")] or downloaded(one, Path(name)) for one in PACKAGES}
        differ = check_lmms_eval(folders["lmms-eval"], asked["sheets"])
        differ += check_vlmevalkit(folders["vlmevalkit"], asked["sheets"])
        if asked["cambrian"] is not None:
            differ += check_cambrian(asked["cambrian"], asked["sheets"])
    sys.exit(differ > 0)


def downloaded(program: str, folder: Path) -> Path:
    """The package's folder, out of its wheel."""
    wanted, package = PACKAGES[program]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, wanted], check=True
    )
    (wheel,) = folder.glob(f"{wanted.partition('==')[0].replace('-', '_')}-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / program)
    return folder / program / package


def installed(python: Path, package: str) -> Path:
    """The folder of a package in an environment, without importing it."""
    asked = f"import importlib.util as i; print(i.find_spec({package!r}).submodule_search_locations[0])"
    return Path(subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True).stdout.strip())


def functions(path: Path, *names: str, **known: Any) -> dict[str, Any]:
    """The named functions of a file, with the patterns that it compiles; not what it imports, but for `known`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kept = [node for node in tree.body if getattr(node, "name", "") in names or _compiles(node)]
    found = {**vars(typing), "re": re, "os": os, "string": string, "cp": copy, "logger": logging, **known}
    exec(compile(ast.Module(kept, []), str(path), "exec"), found)
    return found


def _compiles(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("re.compile")


def check_lmms_eval(package: Path, sheets: int) -> int:
    mmvp = functions(package / "tasks/mmvp/utils.py", *MMVP)
    pope = functions(package / "tasks/pope/utils.py", "pope_process_results")

    def choice(reply: str, options: Sequence[str], right: int) -> bool:
        # an index past those whose answers some versions correct
        doc = {"Index": 1001, "Correct Answer": f"({'abcdefghij'[right]})"}
        return bool(mmvp["mmvp_process_results"](doc, [reply])["mmvp_accuracy"]["is_correct"])

    def yes_no(reply: str, options: Sequence[str], right: int) -> bool:
        doc = {"answer": options[right], "question_id": 1}
        return bool(pope["pope_process_results"](doc, [reply])["pope_accuracy"]["score"])

    return compared("lmms-eval", CHOICE, choice, sheets) + compared("lmms-eval", YES_NO, yes_no, sheets)


def check_vlmevalkit(package: Path, sheets: int) -> int:
    matching = functions(package / "utils/matching_util.py", "can_infer", "can_infer_option", "can_infer_text")
    clean = functions(package / "smp/misc.py", "process_punctuation")["process_punctuation"]
    yorn = functions(package / "dataset/utils/yorn.py", "YOrN_Extraction", process_punctuation=clean)
    packaged = "answer\\s+is" not in (package / "utils/matching_util.py").read_text(encoding="utf-8")

    def choice(reply: str, options: Sequence[str], right: int) -> bool:
        return bool(matching["can_infer"](reply, dict(zip(LETTERS, options, strict=False))) == LETTERS[right])

    def yes_no(reply: str, options: Sequence[str], right: int) -> bool:
        return bool(yorn["YOrN_Extraction"](reply) == options[right].capitalize())

    apart = NEWER if packaged else None
    return compared("vlmevalkit", CHOICE, choice, sheets, apart) + compared("vlmevalkit", YES_NO, yes_no, sheets)


def check_cambrian(repository: Path, sheets: int) -> int:
    """Two options of which one's words are the other's letter count for both there; such questions are left out."""
    extract = functions(repository / "eval/eval/mmvp/mmvp_test.py", "extract_mcq_answer")["extract_mcq_answer"]

    def choice(reply: str, options: Sequence[str], right: int) -> bool:
        return extract(reply) in (LETTERS[right].lower(), options[right].lower())

    return compared("cambrian", CHOICE, choice, sheets)


def compared(reader: str, kind: str, right: Right, sheets: int, apart: str | None = None) -> int:
    """How many replies are right by one and wrong by the other, but for those that ours reads by the rule `apart`."""
    sys.path.insert(0, "tests")
    from world.reply_sheets import OPTIONS
    from world.reply_sheets import sheets as drawn

    options = YES_AND_NO if kind == YES_NO else [one for one in OPTIONS if one != ("B", "A") or reader != "cambrian"]
    counts = {"lines": 0, "apart": 0, "differ": 0}
    for line in (line for sheet in drawn(7, sheets, options) for line in sheet):
        found = READERS[reader].read(line.reply, line.options, kind)
        counts["lines"] += 1
        if apart is not None and found.rule == apart:
            counts["apart"] += 1
        elif (found.place == line.right) != right(line.reply, line.options, line.right):
            counts["differ"] += 1
            print(reader, kind, line, found)
    print(
        f"{reader:<11} {kind:<7} {counts['differ']} of {counts['lines']:,} differ; {counts['apart']:,} by a newer rule"
    )
    return counts["differ"]


if __name__ == "__main__":
    main()
