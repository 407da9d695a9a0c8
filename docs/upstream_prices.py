"""`python -m docs.upstream_prices`: writes Tally's corrections of prices in the format of genai-prices.

The file is meant to be offered to that project. It has no form for hours that spare weekends, which comments
name instead.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from genai_prices.types import ConditionalPrice, ModelPrice, PriceVariant, StartDateConstraint, TieredPrices

from tally.core.encoding import canonical_decimal
from tally.pricing.corrections import CORRECTIONS, VARIANTS
from tally.pricing.peak_hours import PeakHours

FILE = Path(__file__).parent / "genai-prices-corrections.yml"
HEAD = """\
# Corrections of prices in the format of genai-prices (prices/providers/*.yml), with their sources in
# tally/pricing/corrections.py. Written by `python -m docs.upstream_prices`.
"""


def render() -> str:
    """All corrections as YAML, by provider and model."""
    lines = [HEAD.rstrip("\n")]
    providers = sorted({name.partition("/")[0] for name in (*CORRECTIONS, *VARIANTS)})
    for provider in providers:
        lines += [f"- id: {provider}", "  models:"]
        names = sorted(name for name in {*CORRECTIONS, *VARIANTS} if name.startswith(f"{provider}/"))
        for name in names:
            lines.append(f"    - id: {name.partition('/')[2]}")
            lines += _render_list("prices", CORRECTIONS.get(name, ()))
            lines += _render_list("price_variants", VARIANTS.get(name, ()))
    return "\n".join(lines) + "\n"


def _render_list(key: str, entries: Iterable[ConditionalPrice | PriceVariant]) -> Iterator[str]:
    rendered = [line for entry in entries for line in _render_entry(entry)]
    if rendered:
        yield f"      {key}:"
        yield from rendered


def _render_entry(entry: ConditionalPrice | PriceVariant) -> Iterator[str]:
    lines = []
    if isinstance(entry, PriceVariant):
        lines.append(f"when: {{{', '.join(f'{key}: {value}' for key, value in entry.when.items())}}}")
    lines += _render_constraint(entry.constraint)
    lines += ["prices:", *(f"  {line}" for line in _render_prices(entry.prices))]
    for number, line in enumerate(lines):
        yield f"        {'- ' if number == 0 else '  '}{line}"


def _render_constraint(constraint: object) -> list[str]:
    if isinstance(constraint, StartDateConstraint):
        return ["constraint:", f"  start_date: {constraint.start_date}"]
    if isinstance(constraint, PeakHours):
        return [
            f"constraint: # since {constraint.first_day}; not on weekends since {constraint.weekends_until}",
            f"  start_time: {constraint.start_time:%H:%M:%S}Z",
            f"  end_time: {constraint.end_time:%H:%M:%S}Z",
        ]
    return []


def _render_prices(prices: ModelPrice) -> Iterator[str]:
    for name, value in vars(prices).items():
        if isinstance(value, TieredPrices):
            yield f"{name}:"
            yield f"  base: {canonical_decimal(value.base)}"
            yield "  tiers:"
            for tier in value.tiers:
                yield f"    - start: {tier.start}"
                yield f"      price: {canonical_decimal(tier.price)}"
        elif isinstance(value, Decimal):
            yield f"{name}: {canonical_decimal(value)}"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
