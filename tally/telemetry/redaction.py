"""Rules that take secrets and personal data out of texts: keys, addresses, cards, chosen words."""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

KEY, EMAIL, CARD, REMOVED = "[key]", "[email]", "[card]", "[removed]"
# Texts are often JSON in a string, where a line break is a backslash and an n.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=\\u[0-9a-fA-F]{4}))"
_WIDE = "\u00a0\u2007\u2009\u202f\u2010-\u2013"  # blanks and dashes besides ASCII's
# Characters without width, also as JSON in a string writes them, within ASCII: other scripts need them.
_HIDDEN = re.compile(
    f"(?<=[ -~{_WIDE}])(?:"
    "[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]|\\\\{1,8}u(?:00ad|180e|200[b-f]|206[0-4]|feff)"
    f")+(?=[ -~{_WIDE}])",
    re.IGNORECASE,
)
_KEYS = re.compile(
    rf"{_START}(?:"
    r"(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic, OpenRouter, Langfuse, Stripe
    r"|tly_[A-Za-z0-9]{20,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|npm_\w{20,}|pypi-[\w-]{20,}|whsec_[\w+/=]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|hooks\.slack\.com/services/[\w/]{8,}"
    r"|xox[abeoprs]-[\w-]{10,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|1//0[\w-]{20,}"  # Slack, Google
    r"|hf_\w{20,}|gsk_\w{20,}|xai-\w{20,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JSON Web Tokens
    r")"
)
# Between five dashes, or, in SSH2's own format, four with blanks.
_EDGE = r"(?:-----|---- | ----)"
_PRIVATE = r"[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?"
_PEM = re.compile(
    rf"{_EDGE}BEGIN {_PRIVATE}{_EDGE}.*?(?:{_EDGE}END {_PRIVATE}{_EDGE}|\Z)",
    re.DOTALL,
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)[\w.~+/=-]{16,}")
_NAME = r"passw(?:or)?d|passphrase|(?:api|account|private|shared[_-]?access)[_-]?key|token|secret"
_NAMES = (
    rf"(?:{_NAME}(?:[_-]?access)?(?:[_-]?key)?|authorization"
    r"|(?<=[_-])pass|(?<=[_-])pwd|(?<![A-Za-z])pass(?=\s?=))"
)
_NAMED = re.compile(
    rf"(?i)({_NAMES}\\{{0,7}}[\"']?\s{{0,5}}[:=]\s{{0,5}})"
    r"(?:(\\{0,7}[\"'])[^\"'\\\n]{6,200}(?=[\"'\\])|(\\{0,7}[\"']?)[^\s\"'\\,;]{6,})"
)
_OPTION = re.compile(
    rf"(?i)((?<![\w-])--(?:[a-z0-9]{{1,20}}-){{0,3}}(?:{_NAME}|pass)[ \t]{{1,5}})"
    r"(?:(\\{0,7}[\"'])[^\"'\\\n]{3,200}(?=[\"'\\])|(?!-)[^\s\"'\\,;]{3,})"
)
# Blocks of YAML: the indented lines below a name, whose breaks may be a backslash and an n.
_BLOCK = re.compile(
    rf"(?i)({_NAMES}[\"']?[ \t]{{0,5}}:[ \t]{{0,5}}[|>][0-9+-]{{0,2}}[ \t]{{0,5}}(?:\n|\\n)[ \t]{{1,80}})"
    r"(?:[^\n\\]|\\(?!n))+(?:(?:\n|\\n){1,3}[ \t]{1,80}(?:[^\n\\]|\\(?!n))+)*"
)
_OPEN, _CLOSE = r"(?:<|&lt;|\\u003c)", r"(?:>|&gt;|\\u003e)"
_ELEMENT = re.compile(
    rf"(?i)({_OPEN}(?:[\w.:-]{{0,40}}[_.:-])?(?:{_NAME}|pass|pwd)(?:\s[^<>&]{{0,200}})?{_CLOSE}"
    rf"(?:{_OPEN}!\[CDATA\[)?)(?:[^<>&\\]|\\(?!u003c)|&(?!lt;)){{1,4000}}(?=(?:\]\]{_CLOSE})?{_OPEN}\\{{0,7}}/)"
)
_ADDRESS = re.compile(r"(://[^\s/:@\"'\\]{0,100}:)[^\s/@\"'\\]{3,200}(?=@)")
_ENCODED = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{24,}={0,2}")
_URL_SAFE = str.maketrans("-_", "+/")
_EMAIL = re.compile(r"[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_BETWEEN = rf"(?:[ {_WIDE}-]|\\{{1,8}}u(?:00a0|2007|2009|202f|201[0-3]))"
_DIGITS = re.compile(rf"(?i){_START}(?<!\.)\d(?:{_BETWEEN}?\d){{12,30}}(?![A-Za-z0-9])")
# With dots as people write cards, which other numbers are not.
_DOTTED = re.compile(
    rf"{_START}(?<!\.)(?:\d{{4}}(?:\.\d{{4}}){{3}}|\d{{4}}\.\d{{6}}\.\d{{5}})(?![\w.]\d)(?!\w)"
)
_SEPARATOR = re.compile(rf"(?i){_BETWEEN}|\.")
CARD_DIGITS = range(13, 20)


@dataclass(frozen=True)
class Redaction:
    """The rules of a workspace: those that hold for all, and its own words."""

    words: tuple[str, ...] = ()
    _words: "re.Pattern[str] | None" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_words", _compile(self.words))

    def redact(self, text: str) -> str:
        """The text without what the rules find."""
        text = _PEM.sub(KEY, _HIDDEN.sub("", text))
        if self._words is not None:
            text = self._words.sub(REMOVED, text)
        text = _KEYS.sub(KEY, text)
        text = _BEARER.sub(rf"\1\2{KEY}", text)
        text = _BLOCK.sub(rf"\1{KEY}", text)
        text = _ELEMENT.sub(rf"\1{KEY}", text)
        text = _OPTION.sub(rf"\1\2{KEY}", text)
        text = _NAMED.sub(rf"\1\2\3{KEY}", text)
        text = _ADDRESS.sub(rf"\1{KEY}", text)
        text = _ENCODED.sub(_redact_encoded, text)
        text = _EMAIL.sub(EMAIL, text)
        return _DOTTED.sub(_redact_card, _DIGITS.sub(_redact_card, text))


def _compile(words: Iterable[str]) -> "re.Pattern[str] | None":
    found = sorted(filter(None, words), key=len, reverse=True)
    if not found:
        return None
    start = r"(?:(?<!\w)|(?<=\\[nrt]))"
    return re.compile(rf"{start}(?:{'|'.join(map(_match_word, found))})(?!\w)", re.IGNORECASE)


def _match_word(word: str) -> str:
    """A pattern of a word, whose parts may be on two lines."""
    return r"(?:\s|\\[nrt]){1,9}".join(map(re.escape, word.split()))


def _redact_encoded(match: "re.Match[str]") -> str:
    """Base64 with a key in it."""
    digits = match[0].rstrip("=").translate(_URL_SAFE)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    text = base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("latin-1")
    return KEY if _KEYS.search(text) or _PEM.search(text) else match[0]


def _redact_card(match: "re.Match[str]") -> str:
    """Numbers with a card's check digit, alone or after others."""
    groups = _SEPARATOR.split(match[0])
    for first in range(len(groups)):
        for end in range(first + 1, len(groups) + 1):
            digits = "".join(groups[first:end])
            if len(digits) in CARD_DIGITS and _has_check_digit([int(digit) for digit in digits]):
                return CARD
    return match[0]


def _has_check_digit(digits: Sequence[int]) -> bool:
    """Luhn's formula."""
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
