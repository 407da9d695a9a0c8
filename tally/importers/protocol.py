"""The importer contract: its input, its result, and its refusals and questions."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tally.core.amounts import AmountUnreadable
from tally.core.encoding import canonical_decimal
from tally.core.errors import TallyError
from tally.core.records import JSON, MAX_MODEL_NAME, REQUESTS, CostBasis, CostRecord, InvalidRecord
from tally.currency.rates import CurrencyUnknown, Rates
from tally.importers.readers.decoding import ImportRefused
from tally.importers.readers.table import Rejected, Table, has_control_characters, quote, row_text
from tally.pricing.estimate import merge_inputs

T = TypeVar("T")
KEPT_FROM_EITHER = frozenset({"price_note"})
SUMMED_USD = frozenset({"gross_usd", "discount_usd", "ai_credits_usd", "byok_usd", "granted_usd"})
NOT_AI = "of services other than AI"  # the reason to skip a row of a cloud's bill
PARTS_OF_A_SUM = frozenset({"credits", "list_price_usd", "original_amount", "quantity"})


class Question(TallyError):
    """The file can be read in two ways: ask the user, then parse again with the answer in Options."""

    def __init__(self, text: str, examples: Sequence[str]) -> None:
        super().__init__(text)
        self.examples = tuple(examples)


class AmbiguousDates(Question):
    """Day or month first? The answer goes into `Options.day_first`."""


class AmbiguousNumbers(Question):
    """Decimal point or decimal comma? The answer goes into `Options.decimal_comma`."""


class MissingColumns(ImportRefused):
    """Required columns were not recognised; the user can match them to the file's headings."""

    def __init__(self, text: str, missing: Sequence[str], found: Sequence[str]) -> None:
        super().__init__(text)
        self.missing = tuple(missing)
        self.found = tuple(found)


class RowRejected(Exception):
    """A row that cannot become a record; the text gives the reason."""


class RowSkipped(Exception):
    """A row that is not about spending on models; the text completes "12 rows …"."""


@dataclass(frozen=True, slots=True)
class Options:
    """The account's settings and the user's answers about a file."""

    timezone: str = "UTC"
    day_first: bool | None = None
    decimal_comma: bool | None = None
    mapping: Mapping[str, str] | None = None  # the file's heading -> Tally's column
    cost_basis: CostBasis | None = None  # of a table that names none; None: its amounts are estimates
    account: str = ""  # distinguishes accounts at one provider, where the file does not
    rates: Rates | None = field(default=None, compare=False, repr=False)  # None: the bundled ones

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            zone = quote(self.timezone)
            raise ImportRefused(
                f"The time zone {zone} is unknown. Choose yours in Settings and try again."
            ) from None


@dataclass(frozen=True, slots=True)
class Exported:
    """The record of an account that a row of Tally's own export was."""

    record_id: UUID
    source_key: UUID | None  # None: the export is from before it had them


@dataclass(slots=True)
class Parsed:
    """The records of a file; each row that was read is once in `lines` or in `rejected`."""

    records: list[CostRecord] = field(default_factory=list)
    lines: list[tuple[int, ...]] = field(default_factory=list)  # lines of the rows that each record sums up
    rejected: list[Rejected] = field(default_factory=list)
    rows_blank: int = 0  # blank lines, days without usage and skipped rows, which do not count as read
    skipped: Counter[str] = field(default_factory=Counter)  # rows of the file by why they are left out
    grouping: tuple[str, ...] = ()  # dimensions that a provider's export is broken down by
    exported: dict[UUID, Exported] = field(default_factory=dict)  # of Tally's own, by the keys of `records`
    projects: dict[UUID, str] = field(default_factory=dict)  # names in Tally's own, by the same keys
    unused: tuple[str, ...] = ()  # headings of the columns of a table of costs that are left out

    @property
    def rows_read(self) -> int:
        """Rows of data in the file."""
        return sum(map(len, self.lines)) + len(self.rejected)

    @property
    def rows_merged(self) -> int:
        """Rows that were added to the record of an earlier row with the same identity."""
        return sum(map(len, self.lines)) - len(self.records)


class Importer(Protocol):
    """One source of usage data: a module with these four names."""

    @property
    def name(self) -> str:
        """The format that is stored with an import."""

    @property
    def title(self) -> str:
        """The name that users see."""

    def identify(self, header: Sequence[str]) -> bool:
        """Check whether a file with this header is of this format; must be cheap."""

    def parse(self, table: Table, options: Options) -> Parsed:
        """All rows as records or rejections; raises ImportRefused or Question for the whole file."""


def read_rows(
    table: Table,
    read_row: Callable[[Sequence[str]], CostRecord | None],
    combine: Callable[[CostRecord, CostRecord], CostRecord] | None = None,
) -> Parsed:
    """Read each row as a record, a rejection or (None) a blank; rows with one identity are combined."""
    places: dict[int, int] = {}  # of records, by the numbers of their identities
    merged_lines: dict[int, list[int]] = {}
    parsed = Parsed()
    if table.is_first_share:
        parsed.rejected, parsed.rows_blank = list(table.malformed), table.rows_blank
        parsed.skipped = Counter(table.skipped)
    records, lines = parsed.records, parsed.lines
    for line, cells in table.own_rows:
        try:
            record = read_row(cells)
            if record is None:
                parsed.rows_blank += 1
                continue
            place = places.setdefault(record.source_key.int, len(records))
            if place < len(records):
                records[place] = (combine or merge)(records[place], record)
                merged_lines.setdefault(place, []).append(line)
            else:
                records.append(record)
                lines.append((line,))
        except RowSkipped as skipped:
            parsed.rows_blank += 1
            parsed.skipped[str(skipped)] += 1
        except (RowRejected, InvalidRecord, CurrencyUnknown) as error:
            parsed.rejected.append(Rejected(line, to_sentence(str(error)), row_text(cells)))
    for place, others in merged_lines.items():
        lines[place] += tuple(others)
    parsed.rejected.sort(key=lambda rejected: rejected.line)
    return parsed


def choose(first: CostRecord, second: CostRecord) -> CostRecord:
    """Of two rows that report the same request, the one with more usage."""
    return max(first, second, key=lambda record: (record.tokens_used, record.cost_usd or 0, repr(record)))


def merge(first: CostRecord, second: CostRecord) -> CostRecord:
    """The sum of two rows with one identity; details that differ are left out."""
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
        day=_keep_shared(first.day, second.day),
        request_id=_keep_shared(first.request_id, second.request_id),
        billing_account=_keep_shared(first.billing_account, second.billing_account),
        dataset=_keep_shared(first.dataset, second.dataset) or REQUESTS,
        billed_under_other_name=first.billed_under_other_name and second.billed_under_other_name,
        metadata=_merge_metadata(first.metadata, second.metadata) | merge_inputs(first, second),
    )


def _keep_shared(first: T | None, second: T | None) -> T | None:
    return first if first == second else None


def _merge_metadata(first: dict[str, JSON], second: dict[str, JSON]) -> dict[str, JSON]:
    merged = {
        key: value for key, value in first.items() if second.get(key) == value and key not in PARTS_OF_A_SUM
    }
    merged |= {key: value for key, value in (second | first).items() if key in KEPT_FROM_EITHER}
    for key in SUMMED_USD & (first.keys() | second.keys()):
        merged[key] = canonical_decimal(Decimal(str(first.get(key, 0))) + Decimal(str(second.get(key, 0))))
    return merged


def checked_name(column: str, cell: str) -> str:
    """A valid name as written; raises RowRejected."""
    if len(cell) > MAX_MODEL_NAME:
        raise RowRejected(f"the {column} has {len(cell):,} characters; the limit is {MAX_MODEL_NAME}")
    if has_control_characters(cell):
        raise RowRejected(f"the {column} {quote(cell)} contains control characters")
    return cell


def reject_cell(column: str, cell: str, error: AmountUnreadable) -> RowRejected:
    """The rejection of a row for one unreadable cell."""
    return RowRejected(f"the {column} {quote(cell)} {error}")


def to_sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")
