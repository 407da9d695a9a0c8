"""Rules that take secrets and personal data out of texts: keys, addresses, cards, chosen words."""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

KEY, EMAIL, CARD, REMOVED = "[key]", "[email]", "[card]", "[removed]"
# Texts are often JSON in a string, where a line break is a backslash and an n.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=\\u[0-9a-fA-F]{4}))"
# Characters without width, also as JSON in a string writes them, within ASCII: other scripts need them.
_HIDDEN = re.compile(
    "(?<=[ -~])(?:"
    "[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]|\\\\{1,8}u(?:00ad|180e|200[b-f]|206[0-4]|feff)"
    ")+(?=[ -~])",
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
    r"|xox[abeoprs]-[\w-]{10,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|hf_\w{20,}|gsk_\w{20,}|xai-\w{20,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JSON Web Tokens
    r")"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)[\w.~+/=-]{16,}")
_NAMED = re.compile(
    r"(?i)((?:(?:api|account|shared[_-]?access)[_-]?key|secret(?:[_-]?access)?(?:[_-]?key)?|passw(?:or)?d"
    r"|passphrase|token|authorization)\\{0,7}[\"']?\s{0,5}[:=]\s{0,5})"
    r"(?:(\\{0,7}[\"'])[^\"'\\\n]{6,200}(?=[\"'\\])|(\\{0,7}[\"']?)[^\s\"'\\,;]{6,})"
)
_ADDRESS = re.compile(r"(://[^\s/:@\"'\\]{0,100}:)[^\s/@\"'\\]{3,200}(?=@)")
_ENCODED = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{24,}={0,2}")
_URL_SAFE = str.maketrans("-_", "+/")
_EMAIL = re.compile(r"[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_DIGITS = re.compile(rf"{_START}(?<!\.)\d(?:[ -]?\d){{12,30}}(?![A-Za-z0-9])")
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
        text = _NAMED.sub(rf"\1\2\3{KEY}", text)
        text = _ADDRESS.sub(rf"\1{KEY}", text)
        text = _ENCODED.sub(_redact_encoded, text)
        text = _EMAIL.sub(EMAIL, text)
        return _DIGITS.sub(_redact_card, text)


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
    groups = re.split("[ -]", match[0])
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
