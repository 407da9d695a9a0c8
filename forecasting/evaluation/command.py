"""`tally backtest`: forecast from every cutoff of a folder of series, and score it."""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from forecasting.evaluation import baselines
from forecasting.evaluation.cutoffs import DataProblem, Origin, load_origins
from forecasting.evaluation.replay import Made, replay
from forecasting.evaluation.score import Row, render_score, score_made, score_quantiles, score_simple
from forecasting.workers.forkserver import warm_up
from forecasting.workers.pool import count_cores
from tally.core.errors import TallyError

COLUMNS = ("unique_id", "cutoff", "ds", "yhat", "lo80", "hi80", "lo95", "hi95", "confidence", "method")
TOTAL = "TOTAL"
SHOWN = 5
LINE_EVERY = 50
FAILED, INTERRUPTED = 1, 130


def main() -> int:
    """Write the forecasts and, when asked, print the score; say in a sentence what is wrong."""
    parser = argparse.ArgumentParser(prog="tally backtest", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DATA_DIR")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--score", action="store_true")
    arguments = parser.parse_args()
    try:
        origins, rejected = load_origins(arguments.folder)
        warm_up()
        if rejected:
            print(_describe_rejected(rejected), file=sys.stderr)
        made = replay(origins, count_cores())
        save_forecasts(made, arguments.out)
        print(_describe_made(made, arguments.out))
        if arguments.score:
            print("\n" + render_score(score(made), made))
    except TallyError as problem:
        print(problem, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    return 0


def save_forecasts(made: Sequence[Made], path: Path) -> None:
    """One row a day, and one for the total, of every forecast."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for one in made:
                writer.writerows(_rows_of(one))
    except OSError as error:
        raise DataProblem(f"{path} cannot be written: {error.strerror}.") from None


def _rows_of(made: Made) -> Iterator[Sequence[object]]:
    origin, bounds, total = made.origin, made.bounds, made.total
    columns = (made.predicted, bounds.lower_80, bounds.upper_80, bounds.lower_95, bounds.upper_95)
    amounts = zip(*(column.tolist() for column in columns), strict=True)
    ranged = (total.predicted, total.lower_80, total.upper_80, total.lower_95, total.upper_95)
    named = [(origin.cutoff + timedelta(days=ahead + 1), day) for ahead, day in enumerate(amounts)]
    for ds, figures in (*named, (TOTAL, ranged)):
        yield origin.series.unique_id, origin.cutoff, ds, *figures, round(made.confidence, 4), made.method


def score(made: Sequence[Made]) -> list[Row]:
    """The figures of ours and of the others, from every origin with something to compare."""
    scored = [one for one in made if len(one.origin.history) and len(one.origin.actual)]
    if not scored:
        raise DataProblem("No cutoff has both days before it and days after it: nothing can be scored.")
    if len(scored) < len(made):
        print(f"Not scored, for want of days: {len(made) - len(scored)} of {len(made)}.", file=sys.stderr)
    rows = [row for one in scored for row in (score_made(one), *score_simple(one.origin))]
    return rows + score_textbook([one.origin for one in scored])


def score_textbook(origins: Sequence[Origin]) -> list[Row]:
    """The figures of statsforecast's methods; none, and a sentence, where it is not installed."""
    if not baselines.is_textbook_installed():
        print(baselines.HOW_TO_GET, file=sys.stderr)
        return []
    rows: list[Row] = []
    stream = baselines.stream_textbook([origin.history for origin in origins], count_cores())
    try:
        for done, forecasts in enumerate(stream, start=1):
            origin = origins[done - 1]
            rows += [score_quantiles(origin, name, quantiles) for name, quantiles in forecasts.items()]
            if done % LINE_EVERY == 0:
                print(f"Baselines of {done} of {len(origins)} …", file=sys.stderr)
    except baselines.BaselinesFailed as failed:
        print(failed, file=sys.stderr)
        return []
    return rows


def _describe_rejected(rejected: Sequence[str]) -> str:
    more = f"; and {len(rejected) - SHOWN} more" if len(rejected) > SHOWN else ""
    return f"Left out {len(rejected)} rows of series.csv: {'; '.join(rejected[:SHOWN])}{more}."


def _describe_made(made: Sequence[Made], path: Path) -> str:
    series = len({one.origin.series.unique_id for one in made})
    others = {one.method for one in made} - {"prophet"}
    counts = (f"{sum(one.method == name for one in made)} by {name}" for name in sorted(others))
    besides = f", of which {', '.join(counts)}" if others else ""
    return f"Wrote {len(made)} forecasts of {series} series to {path}{besides}."


if __name__ == "__main__":
    sys.exit(main())
