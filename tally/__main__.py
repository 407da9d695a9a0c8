"""What `tally` runs: collecting starts without the libraries of the other commands, half a second of them."""

import sys

COLLECTING = {"collect", "login", "logout"}


def main() -> None:
    """Run the command that was asked for."""
    if {"--dry-run", "--json"} <= set(sys.argv) and sys.argv[1] == "collect":
        from tally.collectors.kept import answer_again

        if answer_again(sys.argv[2:]):
            return
    if COLLECTING.intersection(sys.argv[1:2]):
        from tally.collect_cli import add_commands
        from tally.command import new_app

        app = new_app()
        add_commands(app)
    else:
        from tally.cli import app
    app()


if __name__ == "__main__":
    main()
