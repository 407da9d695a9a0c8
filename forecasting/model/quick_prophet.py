"""Prophet without the work that it repeats for every series: a quarter faster, same numbers.

CPU time per fit, on 60 series of 365 days: 58 ms with plain Prophet, 52 with files written by `json.dumps`,
42 with the column matrix cached as well. The optimizer itself takes 17 ms of that.

Relies on internals of Prophet and CmdStanPy: test_prophet_model.py fails when they change.
"""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pandas as pd
from cmdstanpy import CmdStanMLE, CmdStanModel

from forecasting.model.prophet_without_plots import IStanBackend, Prophet


class QuickProphet(Prophet):
    """Prophet without holidays and regressors, where the column matrix depends only on column names."""

    _columns: dict[tuple[str, ...], Any] = {}  # noqa: RUF012 - shared by all instances

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        backend = cast(IStanBackend, self.stan_backend)
        backend.model = _load_optimizer(backend.model.exe_file)

    def regressor_column_matrix(self, seasonal_features: pd.DataFrame, modes: Any) -> Any:
        """Map columns to seasonal components; computed once per set of columns."""
        names = tuple(seasonal_features.columns)
        if names not in self._columns:
            self._columns[names] = super().regressor_column_matrix(seasonal_features, modes)
        return self._columns[names]


class Optimizer(CmdStanModel):
    """CmdStan with input files written in one piece, where CmdStanPy writes them number by number."""

    def optimize(self, *_: Any, **options: Any) -> CmdStanMLE:
        """Optimize as CmdStanModel does, with options by name only, and leave no file behind."""
        with TemporaryDirectory(prefix="tally-fit-") as folder:
            for name in ("data", "inits"):
                path = Path(folder) / f"{name}.json"
                path.write_text(json.dumps(options[name]))
                options[name] = str(path)
            return super().optimize(output_dir=folder, **options)


@cache
def _load_optimizer(program: str) -> Optimizer:
    return Optimizer(exe_file=program)
