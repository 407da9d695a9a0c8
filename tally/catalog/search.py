"""Searching the catalogue: words with a wrong letter, filters, the price at a mix of classes of tokens."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from string import ascii_lowercase

from tally.catalog.entries import Entry, Prices
from tally.catalog.payees import find_maker

MOST_LETTERS = 100  # of a query; names are shorter
FEWEST_LETTERS, LONGEST_WORD = 4, 30  # of a word that is read with a letter wrong
INPUT_CLASSES = (
    "cached",
    "cache_write",
    "cache_write_1h",
)  # priced as input where they have no price of their own
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on a model, each empty for any."""

    providers: frozenset[str] = frozenset()
    can: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    gives: frozenset[str] = frozenset()
    modes: frozenset[str] = frozenset()
    min_context: int = 0
    has_open_weights: bool | None = None
    keys: frozenset[Key] | None = None  # those used

    def admit(self, entry: Entry) -> bool:
        """True for an entry that has all of it."""
        return (
            _is_among(entry.provider, self.providers)
            and _is_among(entry.mode, self.modes)
            and self.can <= entry.can
            and self.takes <= frozenset(entry.takes)
            and self.gives <= frozenset(entry.gives)
            and (entry.context or 0) >= self.min_context
            and self.has_open_weights in (None, entry.has_open_weights)
            and (self.keys is None or entry.key in self.keys)
        )


def _is_among(value: str, chosen: frozenset[str]) -> bool:
    return not chosen or value in chosen


def price_at_mix(prices: Prices, mix: Mapping[str, Decimal]) -> Decimal | None:
    """Dollars for a million tokens in a mix of shares by class; None where a class that it has is unpriced.

    Input read from a cache or written to one costs what input costs where no other price is known.
    """
    total = Decimal(0)
    for name, share in mix.items():
        if not share:
            continue
        usd = prices.get(name, prices.get("input") if name in INPUT_CLASSES else None)
        if usd is None:
            return None
        total += usd * share
    return total


class Index:
    """The words of some entries, for any number of searches."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self._names = [split(entry.model) for entry in entries]
        texts = [
            " ".join([split(entry.model), *(split(each) for each in _list_words(entry))]) + " "
            for entry in entries
        ]
        self._text = "\n".join(texts)  # one text of all is searched much faster than thousands
        self._starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
        self._words = frozenset(self._text.split())

    def search(self, query: str, filters: Filters | None = None) -> list[Entry]:
        """The entries that have all words of a query, the best first; without a query all that pass."""
        words = [word for word in query[:MOST_LETTERS].lower().split() if split(word)]
        if words:
            found = (
                self._match([split(word)] for word in words)
                or self._match(map(self._respell_unknown, words))
                or self._match(map(self._respell, words))
            )
            places: Iterable[int] = sorted(found, key=self._rank(split(query)))
        else:
            places = range(len(self.entries))
        entries = [self.entries[place] for place in places]
        return entries if filters is None else [entry for entry in entries if filters.admit(entry)]

    def _match(self, words: Iterable[Sequence[str]]) -> set[int]:
        """The places of entries that have every word in one of its spellings."""
        found: set[int] | None = None
        for spellings in words:
            places = set().union(*map(self._find, spellings))
            found = places if found is None else found & places
        return found or set()

    def _find(self, phrase: str) -> Iterator[int]:
        """The places of entries with a phrase: a word may begin like it, a number is whole."""
        sought = phrase + " " if phrase[-1].isdigit() else phrase
        at = self._text.find(sought)
        while at >= 0:
            place = bisect_right(self._starts, at) - 1
            yield place
            at = self._text.find(sought, self._starts[place + 1])

    def _respell_unknown(self, word: str) -> list[str]:
        """The word as it is where entries have it, else with one letter changed."""
        own = split(word)
        return self._respell(word) if next(self._find(own), None) is None else [own]

    def _respell(self, word: str) -> list[str]:
        """The word as it is, and with one letter changed."""
        own = split(word)
        if not FEWEST_LETTERS <= len(word) <= LONGEST_WORD:
            return [own]
        return [own, *(each for each in {split(each) for each in vary(word)} if self._is_known(each))]

    def _is_known(self, phrase: str) -> bool:
        *first, last = phrase.split()
        if not all(word in self._words for word in first):
            return False
        return last in self._words or (len(last) >= FEWEST_LETTERS and last in self._beginnings)

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        """The beginnings of words, from FEWEST_LETTERS letters on."""
        return frozenset(word[:end] for word in self._words for end in range(FEWEST_LETTERS, len(word)))

    def _rank(self, query: str) -> Callable[[int], tuple[int, int, int, str, str]]:
        """The order of what was found: the name, names that begin so, the maker's own, the shortest."""

        def rank(place: int) -> tuple[int, int, int, str, str]:
            entry, name = self.entries[place], self._names[place]
            fit = 0 if name == query else 1 if name.startswith(query) else 2 if query in name else 3
            is_reseller = entry.provider != find_maker(entry.model)
            return fit, is_reseller, len(entry.model), entry.model, entry.provider

        return rank


def split(text: str) -> str:
    """The words and numbers of a name, each after a blank: ` gpt 4 o` for `gpt-4o` and `GPT4o`."""
    return "".join(f" {part}" for part in re.findall("[a-z]+|[0-9]+", text.lower()))


def vary(word: str) -> Iterator[str]:
    """A word with a letter replaced, added, left out, or exchanged with the next; digits stay as they are."""
    for place in range(len(word) + 1):
        before, after = word[:place], word[place:]
        for letter in ascii_lowercase:
            yield before + letter + after
        if not after or not _may_be_letter(word, place):
            continue
        yield before + after[1:]
        for letter in ascii_lowercase:
            yield before + letter + after[1:]
        if len(after) > 1 and _may_be_letter(word, place + 1):
            yield before + after[1] + after[0] + after[2:]


def _may_be_letter(word: str, place: int) -> bool:
    """True for what is no digit, and for a digit between letters, which is a slip."""
    around = word[max(place - 1, 0) : place] + word[place + 1 : place + 2]
    return not word[place].isdigit() or (len(around) == 2 and around.isalpha())


def _list_words(entry: Entry) -> Iterator[str]:
    yield entry.title
    yield entry.provider
    yield entry.provider_title
    yield from entry.names
