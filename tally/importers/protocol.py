"""What an importer is given, what it returns, and how it refuses or asks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tally.core.amounts import AmountUnreadable
from tally.core.errors import TallyError
from tally.core.records import JSON, MAX_MODEL_NAME, CostRecord, InvalidRecord, canonical_decimal
from tally.currency.rates import CurrencyUnknown, Rates
from tally.importers.readers.decoding import ImportRefused
from tally.importers.readers.table import Rejected, Table, has_control_characters, quote, row_text
from tally.pricing.estimate import merge_inputs

KEPT = frozenset({"price_note"})
SUMMED_USD = frozenset({"gross_usd", "discount_usd", "ai_credits_usd", "byok_usd", "granted_usd"})
PARTS_OF_A_SUM = frozenset({"credits", "list_price_usd", "original_amount", "quantity"})


class Question(TallyError):
    """The file can be read in two ways: ask, then parse again with the answer in Options."""

    def __init__(self, sentence: str, examples: Sequence[str]) -> None:
        super().__init__(sentence)
        self.examples = tuple(examples)


class AmbiguousDates(Question):
    """Day or month first? The answer goes into `Options.day_first`."""


class AmbiguousNumbers(Question):
    """Decimal point or decimal comma? The answer goes into `Options.decimal_comma`."""


class MissingColumns(ImportRefused):
    """Required columns were not recognised; a mapping of the file's headers can supply them."""

    def __init__(self, sentence: str, missing: Sequence[str], found: Sequence[str]) -> None:
        super().__init__(sentence)
        self.missing = tuple(missing)
        self.found = tuple(found)


class RowRejected(Exception):
    """This row cannot become a record; the text says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person's settings and answers add to a file."""

    timezone: str = "UTC"
    day_first: bool | None = None
    decimal_comma: bool | None = None
    mapping: Mapping[str, str] | None = None  # the file's header -> our column
    account: str = ""  # tells two accounts at one provider apart, where the file does not
    rates: Rates | None = field(default=None, compare=False, repr=False)  # None: those installed with Tally

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            zone = quote(self.timezone)
            raise ImportRefused(
                f"The timezone {zone} is unknown. Choose yours in Settings and try again."
            ) from None


@dataclass(slots=True)
class Parsed:
    """A file as records. Every row that was read stands in `lines`, once, or in `rejected`."""

    records: list[CostRecord] = field(default_factory=list)
    lines: list[tuple[int, ...]] = field(default_factory=list)  # of the rows that each record sums up
    rejected: list[Rejected] = field(default_factory=list)
    rows_blank: int = 0  # blank lines and days without usage: no rows that were read
    grouping: tuple[str, ...] = ()  # the dimensions that break a provider's export down

    @property
    def rows_read(self) -> int:
        """The rows of data in the file."""
        return sum(map(len, self.lines)) + len(self.rejected)

    @property
    def rows_merged(self) -> int:
        """The rows that were added into the record of an earlier row of the same identity."""
        return sum(map(len, self.lines)) - len(self.records)


class Importer(Protocol):
    """One source of usage data; a module with these four names is one."""

    @property
    def name(self) -> str:
        """Stored as the format of an import."""

    @property
    def title(self) -> str:
        """What a person reads."""

    def identify(self, header: Sequence[str]) -> bool:
        """Whether a file with this header is one of these, cheaply."""

    def parse(self, table: Table, options: Options) -> Parsed:
        """All rows as records or rejections; raises ImportRefused or Question for the file as a whole."""


def read_rows(
    table: Table,
    read_row: Callable[[Sequence[str]], CostRecord | None],
    unite: Callable[[CostRecord, CostRecord], CostRecord] | None = None,
) -> Parsed:
    """Make every row a record, a rejection or (None) a blank; rows of one identity are summed or united."""
    records: dict[UUID, CostRecord] = {}
    lines: dict[UUID, tuple[int, ...]] = {}
    merged_lines: dict[UUID, list[int]] = {}
    parsed = Parsed(rejected=list(table.malformed), rows_blank=table.rows_blank)
    for line, cells in table.rows:
        try:
            record = read_row(cells)
            if record is None:
                parsed.rows_blank += 1
                continue
            key = record.source_key
            if key in records:
                records[key] = (unite or merge)(records[key], record)
                merged_lines.setdefault(key, []).append(line)
            else:
                records[key] = record
                lines[key] = (line,)
        except (RowRejected, InvalidRecord, CurrencyUnknown) as error:
            parsed.rejected.append(Rejected(line, sentence(str(error)), row_text(cells)))
    for key, others in merged_lines.items():
        lines[key] += tuple(others)
    parsed.records, parsed.lines = list(records.values()), list(lines.values())
    parsed.rejected.sort(key=lambda rejected: rejected.line)
    return parsed


def choose(first: CostRecord, second: CostRecord) -> CostRecord:
    """Of two rows about one request the one that saw more of it: told twice, it happened once."""
    return max(
        first, second, key=lambda record: (record.tokens_used, record.cost_usd or 0, repr(record.metadata))
    )


def merge(first: CostRecord, second: CostRecord) -> CostRecord:
    """The sum of two rows of one identity; what they say differently about themselves is left out."""
    unpriced = first.cost_usd is None or second.cost_usd is None
    cost_usd = None if first.cost_usd is None or second.cost_usd is None else first.cost_usd + second.cost_usd
    charge_type = first.charge_type
    if charge_type != second.charge_type:
        charge_type = "usage" if unpriced or (cost_usd is not None and cost_usd >= 0) else "adjustment"
    return replace(
        first,
        cost_usd=cost_usd,
        charge_type=charge_type,
        input_tokens=first.input_tokens + second.input_tokens,
        output_tokens=first.output_tokens + second.output_tokens,
        cached_input_tokens=first.cached_input_tokens + second.cached_input_tokens,
        cache_write_tokens=first.cache_write_tokens + second.cache_write_tokens,
        reasoning_tokens=first.reasoning_tokens + second.reasoning_tokens,
        request_count=first.request_count + second.request_count,
        metadata=_merge_metadata(first.metadata, second.metadata) | merge_inputs(first, second),
    )


def _merge_metadata(first: dict[str, JSON], second: dict[str, JSON]) -> dict[str, JSON]:
    merged = {
        key: value for key, value in first.items() if second.get(key) == value and key not in PARTS_OF_A_SUM
    }
    merged |= {key: value for key, value in (second | first).items() if key in KEPT}
    for key in SUMMED_USD & (first.keys() | second.keys()):
        merged[key] = canonical_decimal(Decimal(str(first.get(key, 0))) + Decimal(str(second.get(key, 0))))
    return merged


def checked_name(what: str, cell: str) -> str:
    """A name as it is written, or the rejection of a row for what cannot be one."""
    if len(cell) > MAX_MODEL_NAME:
        raise RowRejected(f"the {what} has {len(cell):,} characters; the limit is {MAX_MODEL_NAME}")
    if has_control_characters(cell):
        raise RowRejected(f"the {what} {quote(cell)} contains control characters")
    return cell


def reading(column: str, cell: str, error: AmountUnreadable) -> RowRejected:
    """The rejection of a row for one unreadable cell."""
    return RowRejected(f"the {column} {quote(cell)} {error}")


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")
