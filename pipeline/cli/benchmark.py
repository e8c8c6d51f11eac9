"""Benchmark: the commands that turn pairs into a benchmark: author, freeze, people, patterns, export, import."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pipeline.benchmark.person import person_of
from pipeline.cli import options
from pipeline.cli.console import exit_on_error, print_summary, print_text
from pipeline.cli.unused import check_unused

PORT = 8765

Person = Annotated[str | None, typer.Option("--name", help="name of the author; default: your user name")]
Annotator = Annotated[
    str | None, typer.Option("--name", help="author of Label Studio entries that name none; default: your user name")
]
Answering = Annotated[
    str | None, typer.Option("--answer", metavar="NAME", help="answer the questions blind, as this person")
]
Draft = Annotated[
    str | None,
    typer.Option("--draft", metavar="URL", help="OpenAI-compatible server that writes drafts: http://HOST/v1"),
]
Model = Annotated[str | None, typer.Option(help="name of the model on that server")]
Host = Annotated[str, typer.Option(help="address to listen on; beyond loopback, the page requires the key in its URL")]
Port = Annotated[int, typer.Option(help="port to listen on", min=1, max=65535)]
To = Annotated[str | None, typer.Option(metavar="FOLDER", help="new folder for the export; default: ./RUN-FORMAT")]
Version = Annotated[int | None, typer.Option("--questions", help="frozen version to use; default: the newest", min=1)]
Accept = Annotated[list[str] | None, typer.Option(metavar="CODE", help="export in spite of findings with this code")]
ApartFrom = Annotated[
    list[str] | None,
    typer.Option(metavar="BENCHMARK", help="run, folder or file whose images must not be in the training data"),
]
Most = Annotated[
    int | None,
    typer.Option("--pairs", help="export only this many pairs, the best first (label-studio, parquet)", min=1),
]
Check = Annotated[bool, typer.Option("--check", help="check only, write nothing")]
Prompt = Annotated[bool, typer.Option("--prompt", help="only print the prompt, and ask no model")]
Published = Annotated[
    str, typer.Argument(metavar="SOURCE", help="folder of a published benchmark, or Label Studio's JSON")
]
Into = Annotated[
    str, typer.Argument(metavar="RUN", help="the run to create; for label-studio, the run the work came from")
]
Answers = Annotated[
    str | None,
    typer.Option(
        metavar="as_found|original|corrected",
        help="which answers to use for MMVP's four disputed questions [default: as_found]",
    ),
]


def author(
    run: options.Run,
    name: Person = None,
    answer: Answering = None,
    draft: Draft = None,
    model: Model = None,
    host: Host = "127.0.0.1",
    port: Port = PORT,
    store: options.Store = None,
) -> None:
    """Serve a page where people review a run's pairs and write questions. Ctrl-C stops it.

    Example: blindpairs author runs/mmvp
    """
    with exit_on_error("everything that was written is kept; run the same command again to continue"):
        from pipeline.benchmark.page.serve import Address, serve_answers, serve_author
        from pipeline.cli.formats import forms_of_version
        from pipeline.run.run import Run
        from stages.models.chat import chat_of

        chat, address, opened = chat_of(draft, model), Address(host, port), Run.open(run)
        if answer is not None:
            check_unused("a person who answers", {"--name": name, "--draft": draft})
            serve_answers(opened, address, person_of(answer), store, print_text)
        else:
            fitting = partial(forms_of_version, opened)
            serve_author(opened, address, person_of(name), store, chat, print_text, fitting)


def freeze(run: options.Run, store: options.Store = None, as_json: options.Json = False) -> None:
    """Freeze what people have written as a new version that never changes. Exit code 3: nothing has been written yet.

    Example: blindpairs freeze runs/mmvp
    """
    with exit_on_error():
        from pipeline.cli.formats import freeze_version
        from pipeline.run.run import Run

        print_summary(freeze_version(Run.open(run), store), as_json)


def people(run: options.Run, store: options.Store = None, as_json: options.Json = False) -> None:
    """Show how well people answered blind, how far they agree, and which questions they missed.

    Example: blindpairs people runs/mmvp
    """
    with exit_on_error("nothing was changed"):
        from pipeline.benchmark.people import people as what_people_said
        from pipeline.run.run import Run

        print_summary(what_people_said(Run.open(run), store), as_json)


def patterns(
    run: options.Run,
    draft: Draft = None,
    model: Model = None,
    version: Version = None,
    prompt: Prompt = False,
    as_json: options.Json = False,
) -> None:
    """Have a language model propose visual patterns across all questions of a benchmark, from their text alone.

    Example: blindpairs patterns runs/mmvp --draft http://127.0.0.1:8000/v1 --model qwen3
    """
    with exit_on_error("nothing was changed"):
        from pipeline.benchmark.benchmark import read_benchmark
        from pipeline.benchmark.drafts.patterns import pattern_prompt, propose
        from pipeline.run.run import Run
        from stages.models.chat import asked_chat

        if prompt:
            check_unused("--prompt", {"--draft": draft, "--model": model, "--json": as_json or None})
            print_text(pattern_prompt(read_benchmark(Run.open(run), version).of()))
        else:
            chat = asked_chat(draft, model)
            print_summary(propose(chat, read_benchmark(Run.open(run), version).of()), as_json)


def export(
    run: options.Run,
    form: options.Exported,
    to: To = None,
    version: Version = None,
    accept: Accept = None,
    apart_from: ApartFrom = None,
    most: Most = None,
    store: options.Store = None,
    check: Check = False,
    as_json: options.Json = False,
) -> None:
    """Write a frozen benchmark in another format, after checking it. Exit code 3: nothing is frozen yet; 1: --check
    found something that prevents the export.

    Example: blindpairs export runs/mmvp --format mmvp --to MMVP
    """
    with exit_on_error("nothing was written"):
        from pipeline.cli.formats import export_to
        from pipeline.run.run import Run

        answer = export_to(
            Run.open(run),
            form,
            to or f"{Path(run).resolve().name}-{form}",
            version=version,
            store=store,
            accepted=accept or (),
            apart_from=apart_from or (),
            only_check=check,
            most=most,
        )
        print_summary(answer, as_json)
        if check and answer.hindered:
            raise typer.Exit(1)


def import_(
    source: Published,
    run: Into,
    form: options.Imported,
    answers: Answers = None,
    name: Annotator = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Import a published benchmark (mmvp, mmvp-vlm, huggingface) as a new run, or Label Studio's work into a run.

    Example: blindpairs import MMVP runs/published --format mmvp --answers corrected
    """
    with exit_on_error("run the same command again to continue"):
        from pipeline.cli.formats import import_from

        by = None if name is None else person_of(name)
        print_summary(import_from(source, run, form, answers=answers, by=by, store=store), as_json)
