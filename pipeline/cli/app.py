"""The command line. Errors are one line on stderr. Exit codes: 0 done, 1 failed, 2 refused, 3 waiting for people.

Nothing heavy is imported here: each command imports what it needs, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import typer

from pipeline.cli import benchmark, look, options
from pipeline.cli import evaluate as models
from pipeline.cli.console import exit_on_error, print_summary, print_text
from pipeline.cli.groups import CommandGroups
from pipeline.cli.remedies import naming_redo

app = typer.Typer(
    cls=CommandGroups,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Find blind pairs: two images that look nearly the same to one encoder (CLIP) and clearly different to "
    "another (DINOv2).",
)


@app.callback()
def set_up(version: options.PrintVersion = False, verbose: options.Verbose = False) -> None:
    """Prepare for any command: `--version` has ended by now, `--verbose` holds for this process and its workers."""
    if verbose:
        from pipeline.executors.logs import show_logs

        show_logs()


def run(
    recipe: options.Recipe,
    changes: options.Changes = None,
    root: options.Root = "runs",
    name: options.Name = None,
    until: options.Until = None,
    ray: options.Ray = None,
    offline: options.Offline = False,
    retry_failed: options.RetryFailed = False,
    redo: options.Redo = None,
    as_json: options.Json = False,
) -> None:
    """Run a recipe: images, embeddings, candidates, pairs, gallery. The same command resumes a stopped run.

    Example: blindpairs run photos --set images.sources.0.uri=~/Pictures
    """
    with exit_on_error(), naming_redo():
        from pipeline.launch.launch import make

        summary = make(recipe, changes or [], root, name, until, offline, ray, retry_failed=retry_failed, redo=redo)
        print_summary(summary, as_json)


def repair(
    recipe: options.Recipe,
    changes: options.Changes = None,
    root: options.Root = "runs",
    name: options.Name = None,
    ray: options.Ray = None,
    offline: options.Offline = False,
    as_json: options.Json = False,
) -> None:
    """Find shards of a run that are missing or damaged, and make only these again. Reads every finished step once.

    Give it the recipe and the options of the run. Later steps stay as they are. If a shard comes out different, for
    example on another kind of machine, nothing is changed, and the exit code is 2.

    Example: blindpairs repair photos --set images.sources.0.uri=~/Pictures
    """
    with exit_on_error("what was made again is kept; run the same command again to continue"), naming_redo():
        from pipeline.launch.launch import repair

        print_summary(repair(recipe, changes or [], root, name, offline, ray), as_json)


def plan(
    recipe: options.Recipe,
    changes: options.Changes = None,
    root: options.Root = "runs",
    name: options.Name = None,
    until: options.Until = None,
    offline: options.Offline = False,
    images: options.Imagined = None,
    measure: options.Measure = True,
    as_json: options.Json = False,
) -> None:
    """Show what `run` would do and how long embedding and search will take, before anything starts.

    Example: blindpairs plan mmvp --images 12000000
    """
    with exit_on_error("a plan starts nothing"), naming_redo():
        from pipeline.cli import make

        if measure and sys.stderr.isatty():
            typer.echo("measuring this machine for less than a minute (--no-measure skips this)", err=True)
        print_summary(make.plan(recipe, changes or [], root, name, until, offline, images, measure), as_json)


def report(run: options.Run) -> None:
    """Rebuild the gallery of a finished run: one HTML file that opens without a network.

    Example: blindpairs report runs/mmvp
    """
    with exit_on_error():
        from pipeline.reports.gallery.write import rewrite_report
        from pipeline.run.run import Run
        from stages.text import plain

        print_text(f"gallery: {plain(rewrite_report(Run.open(run)))}")


def forget(
    run: options.Run,
    named: options.Named = None,
    listed: options.Listed = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Remove images from every manifest of a run, by URL, sha256 or image_id, and record it in the lineage.

    Example: blindpairs forget runs/laion --list opt-out.txt
    """
    with exit_on_error():
        from pipeline.forget.forget import forget as forget_images

        print_summary(forget_images(run, named or [], listed, store), as_json)


def demo(
    out: options.Out = Path("demo"),
    scenes: options.Scenes = 600,
    ray: options.Ray = None,
    evaluate: options.Evaluate = False,
) -> None:
    """Draw scenes with known blind pairs, find them, and report which were missed and why. Downloads nothing.

    Example: blindpairs demo --out demo
    """
    with exit_on_error():
        from pipeline.cli.demo import demo as show_demo

        print_text(show_demo(out, scenes, ray, evaluate=evaluate))


def presets(name: options.Preset = None) -> None:
    """List the presets, or print one as the start of your own recipe.

    Example: blindpairs presets mmvp > my.yaml
    """
    with exit_on_error():
        from pipeline.cli import make

        print_text(make.presets(name))


GROUPS: dict[str, tuple[Callable[..., None], ...]] = {
    "Make": (demo, run, plan),
    "Inspect": (look.status, look.show, look.lineage, report, look.audit, look.parity, look.lint),
    "Benchmark": (
        *(benchmark.author, benchmark.people, benchmark.freeze),
        *(benchmark.export, benchmark.import_, benchmark.patterns),
    ),
    "Models": (models.evaluate, models.scores),
    "Manage": (repair, forget, presets),
}
for group, commands in GROUPS.items():
    for command in commands:
        app.command(command.__name__.rstrip("_"), rich_help_panel=group)(command)


def main() -> None:
    sys.exit(app())


if __name__ == "__main__":
    main()
