"""`python -m tally.agents.worker`: parses a share of the logs for another process of Tally."""

from tally.agents.scan import read_share
from tally.core.worker_process import run_worker

if __name__ == "__main__":
    run_worker(lambda share: read_share(share, lambda *_: None))
