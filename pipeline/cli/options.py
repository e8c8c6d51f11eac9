"""Options: the arguments and options of the command line, each with its one line of help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.console import answer_in_json


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"blindpairs {version('blindpairs')}")
        raise typer.Exit


# names that the Tab key completes to: the modules that define them take too long to load for --help and for that key
EXPORTED = (
    *("mmvp", "mmvp-vlm", "lmms-eval", "vlmevalkit", "huggingface"),
    *("llava", "cambrian", "label-studio", "parquet"),
)
IMPORTED = ("mmvp", "mmvp-vlm", "huggingface", "label-studio")
PRESETS = ("demo", "imagenet", "laion-aesthetics", "mmvp", "photos", "siglip-dinov2")
STEPS = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")
QUESTIONS = "questions"


def _beginning(names: tuple[str, ...]) -> Callable[[str], list[str]]:
    """Return what completes a word to one of these names; if it begins none, a shell proposes files."""
    return lambda incomplete: [name for name in names if name.startswith(incomplete)]


def _format(names: tuple[str, ...]) -> Any:
    """Return the option `--format`, which completes to these names; a wrong one is refused by export and import."""
    return typer.Option("--format", metavar="FORMAT", help=", ".join(names), autocompletion=_beginning(names))


PrintVersion = Annotated[
    bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print the log messages of the libraries, from level INFO, on stderr.")
]
Recipe = Annotated[
    str,
    typer.Argument(metavar="RECIPE", help="a YAML file, or the name of a preset", autocompletion=_beginning(PRESETS)),
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="a run's folder, such as runs/mmvp")]
Step = Annotated[
    str,
    typer.Argument(
        metavar="STEP",
        help="a step of the run, such as images, candidates or pairs",
        autocompletion=_beginning((*STEPS, QUESTIONS)),
    ),
]
Preset = Annotated[str | None, typer.Argument(help="print this preset's recipe", autocompletion=_beginning(PRESETS))]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="change a setting: --set filter.reference_max=0.5"),
]
Root = Annotated[str, typer.Option(help="where runs are stored: a folder or an fsspec URL")]
Name = Annotated[str | None, typer.Option("--run", help="name of the run; default: the one in the recipe")]
Offline = Annotated[bool, typer.Option("--offline", help="never contact a model hub")]
Ray = Annotated[
    str | None,
    typer.Option(
        metavar="off|local|ADDRESS",
        help="where tasks run: off: in processes of this machine; local: in a private Ray; HOST:PORT or auto: on that "
        "cluster [default: off; in a Ray job: on its cluster]",
    ),
]
Json = Annotated[bool, typer.Option("--json", callback=answer_in_json, help="print JSON")]
Until = Annotated[
    str | None, typer.Option(metavar="STEP", help="stop after this step", autocompletion=_beginning(STEPS))
]
Rows = Annotated[int, typer.Option(help="how many rows to show", min=0)]
Images = Annotated[int, typer.Option(help="how many random images to check; all if there are fewer", min=1)]
Imagined = Annotated[
    int | None,
    typer.Option("--images", help="plan for this many images, without reading a source or contacting a hub", min=2),
]
Measure = Annotated[
    bool, typer.Option("--measure/--no-measure", help="time the embed step on generated photos, for less than a minute")
]
Compared = Annotated[int, typer.Option("--images", help="how many images to compare", min=2)]
Photos = Annotated[
    str | None,
    typer.Option("--photos", metavar="FOLDER", help="use random photos from this folder instead of generated images"),
]
Seed = Annotated[int, typer.Option(help="seed for the random choice", min=0)]
Out = Annotated[Path, typer.Option(help="output folder for scenes, run and gallery")]
Scenes = Annotated[int, typer.Option(help="how many scenes to draw", min=20)]
Evaluate = Annotated[
    bool, typer.Option("--evaluate", help="also ask built-in models questions about the pairs, and score them")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="retry URLs that failed and may be available now")]
Redo = Annotated[
    str | None,
    typer.Option(
        metavar="STEP",
        help="discard this step and those after it, and make them again",
        autocompletion=_beginning(STEPS),
    ),
]
Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="a folder, or files by braces or glob, on a disk or in a bucket")
]
Draw = Annotated[str, typer.Option("--decode", metavar="N|all|none", help="how many random images to decode")]
Named = Annotated[list[str] | None, typer.Argument(metavar="[URL|SHA256|IMAGE_ID]...", help="images to forget")]
Listed = Annotated[
    str | None, typer.Option("--list", metavar="FILE", help="file with the images to forget, one per line")
]
Store = Annotated[
    Path | None, typer.Option(metavar="FILE", help="file for what people write; default: in the run's folder")
]
Exported = Annotated[str, _format(EXPORTED)]
Imported = Annotated[str, _format(IMPORTED)]
