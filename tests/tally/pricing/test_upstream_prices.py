"""The corrections that are offered to genai-prices are those that Tally prices with."""

import re

from docs.upstream_prices import FILE, render
from tally.pricing.corrections import CORRECTIONS, VARIANTS
from tests.every_case import every_case


def test_file_is_the_one_that_is_written_today() -> None:
    assert FILE.read_text(encoding="utf-8") == render()


@every_case([(name,) for name in sorted({*CORRECTIONS, *VARIANTS})])
def test_file_has_every_correction_of_a_model(name: str) -> None:
    provider, _, model = name.partition("/")
    of_provider = re.split(r"^- id: ", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (text,) = [part for part in of_provider if part.startswith(f"{provider}\n")]
    (of_model,) = [part for part in text.split("    - id: ") if part.startswith(f"{model}\n")]
    entries = len(CORRECTIONS.get(name, ())) + len(VARIANTS.get(name, ()))
    assert len(re.findall(r"^ {8}- ", of_model, flags=re.MULTILINE)) == entries
