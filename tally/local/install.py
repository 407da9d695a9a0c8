"""`python -m tally.local.install`: install the packages of the embedded stack unless they are current."""

import sys
from pathlib import Path

from tally.core.errors import TallyError
from tally.local.console import print_line
from tally.local.node import INSTALLING, find_node, install_modules


def main() -> int:
    """Install the packages; print a line only when there is something to install."""
    try:
        log = Path(sys.prefix) / "stack-install.log"
        install_modules(find_node(), log, lambda: print_line(f"{INSTALLING} …"))
    except TallyError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
