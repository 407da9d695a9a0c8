"""The bar of a period as HTML."""

import re
from dataclasses import replace
from decimal import Decimal

from app.figures.progress import Progress
from app.ui.progress import hero

MONTH = Progress(
    Decimal(343), 1, limit=Decimal(1200), before=Decimal(295), likely=Decimal(360), lower=Decimal(350),
    upper=Decimal(375), chance=0.0,
)  # fmt: skip
EARLIER = "last month at this day"


def find_explanations(html: str) -> dict[str, int]:
    """The texts that explain the mark of the period before, by the width at which they are seen."""
    return {
        kind: len(re.findall(rf'class="[^"]*\b{kind}\b[^"]*"[^>]*>(?:<i></i>)?{EARLIER} \$', html))
        for kind in ("wide", "narrow")
    }


def test_mark_of_the_period_before_is_explained_once_at_each_width() -> None:
    apart = replace(MONTH, before=Decimal(900))
    for progress in (MONTH, apart, replace(MONTH, limit=None), replace(MONTH, before=Decimal(360))):
        assert find_explanations(hero(progress, "USD", EARLIER)) == {"wide": 1, "narrow": 1}
    assert find_explanations(hero(replace(MONTH, before=None), "USD", EARLIER)) == {"wide": 0, "narrow": 0}
    assert 'class="key' not in hero(replace(MONTH, likely=None, before=Decimal(1000)), "USD", EARLIER)
