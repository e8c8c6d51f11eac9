"""Groups: the list of commands in `blindpairs --help`, under headings and with whole sentences; errors in JSON.

typer itself prints groups only with rich's markup, in boxes, and errors of usage only for people.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from pipeline.cli.console import usage_errors_in_json

WHOLE = 1000  # characters: no first sentence of a command is cut


class CommandGroups(TyperGroup):
    """A group of commands that lists each under the heading given as its `rich_help_panel`."""

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parse the options before the command's name."""
        with usage_errors_in_json(tuple(args)):  # a copy: parsing empties the list
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Parse the command's own words, and run it."""
        with usage_errors_in_json((*ctx._protected_args, *ctx.args)):
            return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each heading, in the order in which the commands were added."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            sections.setdefault(command.rich_help_panel, []).append((name, command.get_short_help_str(WHOLE)))
        widest = max(len(name) for name in self.commands)
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(widest), sentence) for name, sentence in rows])
