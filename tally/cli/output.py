"""Lines on the terminal, whatever names from outside are in them."""

import typer

from tally.core.text import printable


def echo(text: str, err: bool = False) -> None:
    """Print a line, on standard error with `err`; control characters are replaced."""
    typer.echo(printable(text), err=err)


def echo_error(error: Exception) -> None:
    """Print an error's text on standard error; it may have several lines."""
    for line in str(error).splitlines():
        echo(line, err=True)
