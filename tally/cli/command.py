"""What every `tally` command does alike."""

from typing import Any

import typer
from typer.core import TyperGroup

from tally.core.errors import TallyError

FAILED = 1


class Sentences(TyperGroup):
    """What a person can mend is one sentence on stderr and an exit code, never a stack trace."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except TallyError as problem:
            typer.echo(str(problem), err=True)
            raise typer.Exit(FAILED) from None


def new_app() -> typer.Typer:
    """`tally` without its commands."""
    return typer.Typer(
        cls=Sentences,
        help="What you spend on AI, on what, what the month will end at, and what to change.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
