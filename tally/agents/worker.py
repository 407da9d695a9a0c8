"""`python -m tally.agents.worker`: parses a share of the logs for another process of Tally."""

import pickle
import sys

from tally.agents.scan import read_share
from tally.core.garbage import collector_paused


@collector_paused()  # it would take a tenth of the time
def main() -> None:
    """Read a pickled share from standard input, write what was found to standard output."""
    share = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own program
    found = read_share(share, lambda *_: None)
    pickle.dump(found, sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main()
