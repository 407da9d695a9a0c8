"""What `tally` runs: each command starts without what only others need, up to half a second of libraries."""

import sys

COLLECTING = {"collect", "login", "logout"}
OF_THE_MACHINE = {"up", "down", "status", "doctor", "nightly", "backtest"}


def main() -> None:
    """Run the command that was asked for."""
    asked = set(sys.argv[1:2])
    if asked == {"collect"} and {"--dry-run", "--json"} <= set(sys.argv):
        from tally.agents.report_cache import print_cached_report

        if print_cached_report(sys.argv[2:]):
            return
    if asked & (COLLECTING | OF_THE_MACHINE):
        from tally.cli.command import new_app

        app = new_app()
        if asked <= COLLECTING:
            from tally.cli.collect import add_commands
        else:
            from tally.cli.machine import add_commands
        add_commands(app)
    else:
        from tally.cli.main import app
    app()


if __name__ == "__main__":
    main()
