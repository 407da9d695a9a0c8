"""The `tally` application without its commands."""

import re
import sys
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from tally.cli.output import echo, echo_error
from tally.core.errors import TallyError
from tally.core.streams import abandon_output

FAILED = 1


class TallyGroup(TyperGroup):
    """Prints an error that the user can fix as one sentence on stderr, and exits with code 1."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line; the help and version can fail too, on a full disk."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            abandon_output()
            with suppress(OSError):
                echo(_describe_failure(error), err=True)
            sys.exit(FAILED)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except TallyError as problem:
            echo_error(problem)
            raise typer.Exit(FAILED) from None

    def get_help_option(self, ctx: typer.Context) -> TyperOption | None:  # type: ignore[override]
        """The option `--help`."""
        return _off_by_default(super().get_help_option(ctx))


class TallyCommand(TyperCommand):
    """Shows its arguments as manuals do, `FILE…`; typer adds braces and the Python type."""

    def collect_usage_pieces(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The parts of the usage line."""
        pieces = super().collect_usage_pieces(ctx)
        return [re.sub(r"^\{(.+)\}(\.\.\.)?$", _name_argument, piece) for piece in pieces]

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override]
        """The help text."""
        return re.sub(r"(?m)^(  [A-Z]+) <\S+>", r"\1", super().get_help(ctx))

    def get_help_option(self, ctx: typer.Context) -> TyperOption | None:  # type: ignore[override]
        """The option `--help`."""
        return _off_by_default(super().get_help_option(ctx))


def _describe_failure(error: OSError) -> str:
    what = f"{error.filename} cannot be used" if error.filename else "Reading or writing failed"
    return f"{what}: {error.strerror or error}. Check free disk space and permissions, then try again."


def _name_argument(argument: re.Match[str]) -> str:
    return f"{argument[1]}…" if argument[2] else argument[1]


def _off_by_default(flag: TyperOption | None) -> TyperOption | None:
    """Without a default, typer would load pydantic in every command to convert the missing value."""
    if flag is not None:
        flag.default = False
    return flag


def new_app() -> typer.Typer:
    """Create `tally` without its commands."""
    app = typer.Typer(
        cls=TallyGroup,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(tally)
    return app


def print_version(is_wanted: bool) -> None:
    """Print the installed version and exit."""
    if is_wanted:
        typer.echo(f"tally {version('tally')}")
        raise typer.Exit


def tally(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=print_version),
    ] = False,
) -> None:
    """See what you spend on AI, on what, and where the month will end."""
