"""Limits of error rates and latencies of models, and what a window of requests says about one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from tally.notifications.texts import WINDOWS

ModelKind = Literal["error_rate", "latency"]
MODEL_KINDS: tuple[ModelKind, ...] = ("error_rate", "latency")
Verdict = Literal["over", "between", "under", "unknown"]
MOST_LIMITS = 20
EVERY_MODEL = ""  # each by itself
# An alert is over where the value is well below the limit: one that hovers around it does not flap.
OVER_BELOW = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class ModelLimit:
    """A limit of failed requests in percent, or of the p95 latency in ms, in the last minutes."""

    kind: ModelKind
    model: str
    minutes: int
    limit: Decimal
    requests: int  # with fewer there is no verdict

    def as_json(self) -> dict[str, Any]:
        """The limit as the database has it."""
        return asdict(self) | {"limit": float(self.limit)}

    @property
    def key(self) -> tuple[str, str, int]:
        """The kind, model and window: there is one limit for each."""
        return self.kind, self.model, self.minutes


class Health(NamedTuple):
    """The requests of one model in a window."""

    provider: str
    provider_title: str
    model: str
    requests: int
    failed: int
    timed: int  # went well and tell their duration
    p95_ms: int | None

    def count_for(self, kind: ModelKind) -> int:
        """The requests that a kind of limit is about."""
        return self.requests if kind == "error_rate" else self.timed

    def value_for(self, kind: ModelKind) -> Decimal | None:
        """The value that a kind of limit is about, in its unit."""
        if kind == "error_rate":
            return Decimal(100 * self.failed) / self.requests if self.requests else None
        return None if self.p95_ms is None else Decimal(self.p95_ms)


def read_limits(stored: Any) -> list[ModelLimit]:
    """The limits in a workspace's `model_limits`; one of another form is left out."""
    limits = []
    for each in stored if isinstance(stored, list) else []:
        try:
            limits.append(
                ModelLimit(
                    each["kind"],
                    each["model"],
                    int(each["minutes"]),
                    Decimal(str(each["limit"])),
                    each["requests"],
                )
            )
        except (KeyError, TypeError, ValueError, ArithmeticError):
            continue
    return [limit for limit in limits if limit.kind in MODEL_KINDS and limit.minutes in WINDOWS]


def find_limit(limits: Sequence[ModelLimit], kind: str, model: str, minutes: int) -> ModelLimit | None:
    """The limit of a model: its own, or else that of every model."""
    by_key: Mapping[tuple[str, str, int], ModelLimit] = {limit.key: limit for limit in limits}
    return by_key.get((kind, model, minutes)) or by_key.get((kind, EVERY_MODEL, minutes))


def judge(limit: ModelLimit, health: Health | None) -> Verdict:
    """The verdict on a model; unknown with too few requests."""
    if health is None or health.count_for(limit.kind) < limit.requests:
        return "unknown"
    value = health.value_for(limit.kind)
    if value is None:
        return "unknown"
    if value > limit.limit:
        return "over"
    return "under" if value <= limit.limit * OVER_BELOW else "between"
