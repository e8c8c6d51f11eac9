"""The command line. Errors are one line on stderr; exit codes: 0 done, 1 tasks failed, 2 refused.

Nothing heavy is imported here: each command imports what it needs, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Find blind pairs: two images one encoder (CLIP) takes for near the same and another (DINOv2) does not.",
)

RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="a YAML file, or a preset's name")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="a run's folder, such as runs/mmvp")]
StepArgument = Annotated[str, typer.Argument(metavar="STEP", help="images, embeddings, candidates or pairs")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="change a setting: --set filter.reference_max=0.5"),
]
RootOption = Annotated[str, typer.Option(help="where runs lie: a folder or an fsspec URL")]
NameOption = Annotated[str | None, typer.Option("--run", help="name of the run; default: the recipe's")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="never ask a model hub")]
JsonOption = Annotated[bool, typer.Option("--json", help="for a program to read")]
UntilOption = Annotated[str | None, typer.Option(metavar="STEP", help="stop after this step")]


@app.command()
def run(
    recipe: RecipeArgument,
    changes: SetOption = None,
    root: RootOption = "runs",
    name: NameOption = None,
    until: UntilOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a run: images, embeddings, candidates, pairs, report. The same command again goes on.

    Example: blindpairs run photos --set images.sources.0.uri=~/Pictures
    """
    with told():
        from pipeline import commands

        summary = commands.run(recipe, changes or [], root, name, until, offline)
        _out(summary, as_json)


@app.command()
def plan(
    recipe: RecipeArgument,
    changes: SetOption = None,
    root: RootOption = "runs",
    name: NameOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say what `run` would do, before anything starts.

    Example: blindpairs plan mmvp --set images.sources.0.uri="/data/{00000..00146}.tar"
    """
    with told():
        from pipeline import commands

        _out(commands.plan(recipe, changes or [], root, name, offline), as_json)


@app.command()
def status(run: RunArgument, as_json: JsonOption = False) -> None:
    """Say how far a run is, from its folder alone.

    Example: blindpairs status runs/mmvp
    """
    with told():
        from pipeline import commands

        _out(commands.status(run), as_json)


@app.command()
def show(
    run: RunArgument,
    step: StepArgument,
    rows: Annotated[int, typer.Option(help="how many rows", min=0)] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show the first rows of a step's manifest.

    Example: blindpairs show runs/mmvp pairs --rows 20
    """
    with told():
        from pipeline import commands

        _out(commands.show(run, step, rows), as_json)


@app.command()
def lineage(run: RunArgument, step: StepArgument, as_json: JsonOption = False) -> None:
    """Say what a manifest was made of: settings, sources, weights, and the steps before it.

    Example: blindpairs lineage runs/mmvp pairs
    """
    with told():
        from pipeline import commands

        _out(commands.lineage(run, step), as_json)


@app.command()
def report(run: RunArgument) -> None:
    """Write the gallery of a finished run again: one HTML file that opens without a network.

    Example: blindpairs report runs/mmvp
    """
    with told():
        from pipeline.report.write import write_report

        typer.echo(f"gallery: {write_report(run)}")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="where scenes, run and gallery go")] = Path("demo"),
    scenes: Annotated[int, typer.Option(help="how many scenes to draw", min=20)] = 600,
) -> None:
    """Draw scenes with known blind pairs, find them, and say which were missed and why. Downloads nothing.

    Example: blindpairs demo --out demo
    """
    with told():
        from pipeline.demo.show import demo as show_demo

        typer.echo(show_demo(out, scenes))


@app.command()
def presets(name: Annotated[str | None, typer.Argument(help="print this preset's recipe")] = None) -> None:
    """List the presets, or print one to start a recipe of your own from.

    Example: blindpairs presets mmvp > my.yaml
    """
    with told():
        from pipeline import commands

        typer.echo(commands.presets(name))


@contextmanager
def told() -> Iterator[None]:
    """Turn an error into its one line and exit code; a stop (Ctrl-C, or SIGTERM) into what to do next."""
    from manifests.errors import BlindpairsError

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's stop is a person's
    try:
        yield
    except BlindpairsError as error:
        typer.echo(f"blindpairs: {error}", err=True)
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt:
        typer.echo("blindpairs: stopped; whole shards are kept, the same command goes on from them", err=True)
        raise typer.Exit(130) from None
    except BrokenPipeError:  # whoever read the answer has read enough, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        typer.echo(f"blindpairs: {error.strerror or error}: {error.filename or 'see above'}", err=True)
        raise typer.Exit(1) from error


def _out(value: Any, as_json: bool) -> None:
    """Print a command's answer: `value.to_json()` for programs, `str(value)` for people."""
    typer.echo(json.dumps(value.to_json(), indent=1) if as_json else str(value))


def main() -> None:
    sys.exit(app())


if __name__ == "__main__":
    main()
