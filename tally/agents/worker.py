"""`python -m tally.agents.worker`: reads a share of the logs for another process of Tally."""

import gc
import pickle
import sys

from tally.agents.scan import read_share


def main() -> None:
    """One share in, what is in its logs out."""
    gc.disable()  # nothing here goes in circles, and looking for that takes a tenth of the time
    agent_name, share = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own program
    pickle.dump(read_share(agent_name, share), sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main()
