"""`python -m tally.cli.import_worker`: previews a share of each file's rows for another process of Tally."""

from tally.cli.import_previews import preview_share
from tally.core.worker_process import run_worker

if __name__ == "__main__":
    run_worker(preview_share)
