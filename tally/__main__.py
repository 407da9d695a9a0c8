"""Entry point of `tally`. Each command imports only its own dependencies, which saves up to half a second."""

import sys

from tally.core.streams import prepare_streams

COLLECT_COMMANDS = {"collect", "login", "logout", "workspaces", "folders"}
MACHINE_COMMANDS = {
    *("up", "down", "status", "doctor"),
    *("nightly", "worker", "api", "mcp", "backtest", "backup", "restore"),
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
    if command & (COLLECT_COMMANDS | MACHINE_COMMANDS | {"--version"}):
        from tally.cli.command import new_app

        app = new_app()
        if command <= COLLECT_COMMANDS:
            from tally.cli.collect import add_commands
        else:
            from tally.cli.machine import add_commands
        add_commands(app)
    else:
        from tally.cli.main import app
    app()


if __name__ == "__main__":
    main()
