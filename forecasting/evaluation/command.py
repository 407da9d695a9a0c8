"""`tally backtest`: forecast at every cutoff of a folder of series, and score the forecasts."""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from forecasting.evaluation import baselines
from forecasting.evaluation.cutoffs import Cutoff, DataProblem, load_cutoffs
from forecasting.evaluation.replay import CutoffForecast, replay
from forecasting.evaluation.score import (
    Row,
    render_score,
    score_forecast,
    score_quantiles,
    score_simple_baselines,
)
from forecasting.workers.forkserver import warm_up
from forecasting.workers.pool import count_cores
from tally.core.errors import TallyError
from tally.core.streams import prepare_streams
from tally.core.text import plural, printable, printable_lines

COLUMNS = ("unique_id", "cutoff", "ds", "yhat", "lo80", "hi80", "lo95", "hi95", "confidence", "method")
TOTAL = "TOTAL"
MAX_SHOWN = 5
LINE_EVERY = 50
FAILED, INTERRUPTED = 1, 130


def main() -> int:
    """Parse the arguments, do the backtest, and print errors as one sentence."""
    prepare_streams()
    parser = argparse.ArgumentParser(prog="tally backtest", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DATA_DIR")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--score", action="store_true")
    arguments = parser.parse_args()
    try:
        backtest(arguments.folder, arguments.out, arguments.score)
    except TallyError as problem:
        print(printable_lines(str(problem)), file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    return 0


def backtest(folder: Path, out: Path, with_score: bool) -> None:
    """Save the forecasts at every cutoff and, with score, print the accuracy beside baselines."""
    cutoffs, rejected = load_cutoffs(folder)
    warm_up()
    if rejected:
        print(printable(_describe_rejected(rejected)), file=sys.stderr)
    forecasts = replay(cutoffs, count_cores())
    save_forecasts(forecasts, out)
    print(printable(_describe_saved(forecasts, out)))
    if with_score:
        print("\n" + printable_lines(render_score(score(forecasts), forecasts)))


def save_forecasts(forecasts: Sequence[CutoffForecast], path: Path) -> None:
    """Write one row per day and one for the total of every forecast."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for forecast in forecasts:
                writer.writerows(_rows_of(forecast))
    except OSError as error:
        raise DataProblem(f"{path} cannot be written: {error.strerror}.") from None


def _rows_of(forecast: CutoffForecast) -> Iterator[Sequence[object]]:
    cutoff, bounds, total = forecast.cutoff, forecast.bounds, forecast.total
    confidence = round(forecast.confidence, 4)
    columns = (forecast.predicted, bounds.lower_80, bounds.upper_80, bounds.lower_95, bounds.upper_95)
    amounts = zip(*(column.tolist() for column in columns), strict=True)
    total_row = (total.predicted, total.lower_80, total.upper_80, total.lower_95, total.upper_95)
    named = [(cutoff.day + timedelta(days=ahead + 1), day) for ahead, day in enumerate(amounts)]
    for ds, figures in (*named, (TOTAL, total_row)):
        yield cutoff.series.unique_id, cutoff.day, ds, *figures, confidence, forecast.method


def score(forecasts: Sequence[CutoffForecast]) -> list[Row]:
    """Score the forecasts and the baselines at every cutoff with data before and after it."""
    scored = [each for each in forecasts if len(each.cutoff.history) and len(each.cutoff.actual)]
    if not scored:
        raise DataProblem("No cutoff has both days before it and days after it: nothing can be scored.")
    if len(scored) < len(forecasts):
        left_out = len(forecasts) - len(scored)
        print(f"Not scored for lack of days: {left_out} of {len(forecasts)}.", file=sys.stderr)
    cutoffs = [each.cutoff for each in scored]
    rows = [score_forecast(each) for each in scored]
    rows += [row for cutoff in cutoffs for row in score_simple_baselines(cutoff)]
    return rows + score_statsforecast(cutoffs)


def score_statsforecast(cutoffs: Sequence[Cutoff]) -> list[Row]:
    """Score the methods of statsforecast; without it, print a hint and score none."""
    if not baselines.is_statsforecast_installed():
        print(baselines.INSTALL_HINT, file=sys.stderr)
        return []
    rows: list[Row] = []
    stream = baselines.stream_statsforecast([cutoff.history for cutoff in cutoffs], count_cores())
    try:
        for done, quantiles_by_method in enumerate(stream, start=1):
            cutoff = cutoffs[done - 1]
            rows += [score_quantiles(cutoff, *forecast) for forecast in quantiles_by_method.items()]
            if done % LINE_EVERY == 0:
                print(f"Baselines of {done} of {len(cutoffs)} …", file=sys.stderr)
    except baselines.BaselinesFailed as failed:
        print(failed, file=sys.stderr)
        return []
    return rows


def _describe_rejected(rejected: Sequence[str]) -> str:
    more = f"; and {len(rejected) - MAX_SHOWN} more" if len(rejected) > MAX_SHOWN else ""
    return f"Skipped {plural(len(rejected), 'row')} of series.csv: {'; '.join(rejected[:MAX_SHOWN])}{more}."


def _describe_saved(forecasts: Sequence[CutoffForecast], path: Path) -> str:
    series = len({each.cutoff.series.unique_id for each in forecasts})
    methods = Counter(each.method for each in forecasts if each.method != "prophet")
    besides = ", ".join(f"{count} by {method}" for method, count in sorted(methods.items()))
    suffix = f" ({besides})" if besides else ""
    return f"Wrote {plural(len(forecasts), 'forecast')} of {series} series to {path}{suffix}."


if __name__ == "__main__":
    sys.exit(main())
