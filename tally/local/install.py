"""`python -m tally.local.install`: install the packages of the embedded stack, unless they are there."""

import sys
from pathlib import Path

from tally.core.errors import TallyError
from tally.local.node import find_node, install_modules
from tally.local.progress import say


def main() -> int:
    """Say what is done when there is something to do."""
    try:
        log = Path(sys.prefix) / "stack-install.log"
        install_modules(find_node(), log, lambda: say("Installing the packages of the embedded stack …"))
    except TallyError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
