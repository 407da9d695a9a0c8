"""Lines on the terminal, in which names from outside are text."""

import typer

from tally.cli.called import name_commands
from tally.core.text import printable, printable_lines


def echo(text: str, err: bool = False) -> None:
    """Print a line, on standard error with `err`; control characters are replaced."""
    typer.echo(printable(name_commands(text)), err=err)


def echo_error(error: Exception) -> None:
    """Print an error's text on standard error; it may have several lines."""
    typer.echo(printable_lines(name_commands(str(error))), err=True)
