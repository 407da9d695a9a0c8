"""Entry point of `tally`. Each command imports only its own dependencies, which saves up to half a second."""

import sys
from typing import TYPE_CHECKING

from tally.core.streams import prepare_streams

if TYPE_CHECKING:
    import typer

COLLECT_COMMANDS = {"collect", "login", "logout", "workspaces", "folders"}
MACHINE_COMMANDS = {
    *("up", "down", "status", "doctor"),
    *("nightly", "worker", "web", "api", "mcp", "backtest", "backup", "restore"),
}


def _print_glance(arguments: list[str]) -> bool:
    """Print `tally today` or `tally statusline`, unless help is asked for or something is misspelt.

    A failure to print is left to the whole program, which describes it.
    """
    if arguments not in (["today"], ["today", "--json"], ["statusline"]):
        return False
    from tally.cli.glance import print_status, print_today

    if arguments == ["statusline"]:
        print_status()
        return True
    try:
        print_today(as_json=len(arguments) > 1)
    except OSError:
        return False
    return True


def main() -> None:
    """Run the command named on the command line."""
    prepare_streams()
    command = set(sys.argv[1:2])
    if _print_glance(sys.argv[1:]):
        return
    if command == {"collect"} and {"--dry-run", "--json"} <= set(sys.argv):
        from tally.agents.report_cache import print_cached_report

        if print_cached_report(sys.argv[2:]):
            return
    _load_app(*sys.argv[1:2])()


def _load_app(command: str = "") -> "typer.Typer":
    """The application with this command and perhaps others; with all for help and for what is misspelt."""
    from tally.cli.command import new_app
    from tally.cli.commands import ADDERS

    app = new_app()
    if command in COLLECT_COMMANDS:
        from tally.cli import collect

        collect.add_commands(app)
    elif command in MACHINE_COMMANDS | {"--version"}:
        from tally.cli import machine

        machine.add_commands(app)
    elif command in ADDERS:
        ADDERS[command](app)
    else:
        from tally.cli import main as whole

        return whole.app
    return app


if __name__ == "__main__":
    main()
