"""Descriptors of card charges: which seller of AI a charge is of, with look-alikes refused."""

import re
import unicodedata
from typing import Literal, NamedTuple

MAX_LENGTH = 120
ChargeKind = Literal["plan", "api"]


class Match(NamedTuple):
    """The provider and the product that a charge is of; `kind` tells a plan from usage and credits."""

    provider: str
    kind: ChargeKind
    product: str


# Words of banks before the merchant, and behind it: masks, dates, times, references, phone numbers.
_BEFORE = re.compile(
    r"^(?:(?:POS|VISA|MASTERCARD|MC|MAESTRO|DEBIT|CREDIT|CARD|CHECKCARD|CHECK|RECURRING|PURCHASE|PAYMENT|ONLINE|"
    r"INTL|INTERNATIONAL|CONTACTLESS|AUTHORISED|AUTHORIZED|PREAUTHORIZED|PENDING|KARTENZAHLUNG|"
    r"LASTSCHRIFT|TO|ON|DD|BKGR|WITHDRAWAL|"
    r"CB|PAIEMENT|CARTE|ACHAT|COMPRA|PAGAMENTO|PAYPAL ?\*|PP ?\*|PADDLE\.NET ?\*|"
    r"GOOGLE PAY|APPLE PAY|\d{4,8}|X{2,}\d{2,4}|\d{2}/\d{2}(?:/\d{2,4})?)[ :-]+)+"
)
_AFTER = re.compile(
    r"\b(?:REF(?:ERENCE)?|TXN|TRN|ID|AUTH|CARD(?: ENDING)?|CD|KARTE)[ :.#]*[A-Z]*\d[\dA-Z]*\b"
    r"|[X*]{3,} ?\d{2,4}\b|\b\d{1,2}[./-]\d{1,2}(?:[./-]\d{2,4})?\b|\b\d{4}-\d{2}-\d{2}\b"
    r"|\b\d{1,2}:\d{2}(?::\d{2})?\b"
    r"|\+?\d[\d()-]{6,}\b|#\d+\b|\b(?:USD|EUR|GBP|CHF|CAD|INR) ?\d+[.,]\d{2}\b"
    r"|\b\d+[.,]\d{2} ?(?:USD|EUR|GBP|CHF|CAD|INR)\b"
    r"|\b\d{8,}\b"
)
_PLACE = (
    r"(?:(?:SOUTH )?SAN FRA\w*|SF|NEW YORK|NY|MOUNTAIN VIEW|PALO ALTO|REDMOND|LOS ANGELES|BERKELEY|"
    r"CAMBRIDGE|DUBLIN|DUBLIN \d|LONDON|PARIS|BERLIN|STOCKHOLM|AMSTERDAM|WILMINGTON|FOSTER CITY|SUNNYVALE|"
    r"MENLO PARK|REDWOOD CITY|"
    r"CA|CAUS|DE|WA|MA|US|USA|IE|IRL|GB|GBR|UK|FR|FRA|SE|SWE|HK|SG|SGP|EE|"
    r"G\.CO/HELPPAY|HTTPS?(?:[A-Z]+\.[A-Z]*)?|WWW|[A-Z0-9.]+\.(?:COM|AI|IO|DEV|NEW|CO|APP)|ANTHROPIC)"
)
# Separators and names share no character, so that no text takes long.
_TAIL = rf"(?:[ ,/-]+{_PLACE})*[ .,*-]*"
_COMPANY = r"(?:[ ,]+(?:INC|LLC|LTD|LIMITED|PBC|CORP|GMBH|SAS|OPCO|AI|LABS?)\b\.?)*"
_API = r"(?: \* (?:API|CREDITS?|USAGE)\b.*)"

# Anchored at both ends; the first that matches counts.
_PATTERNS: tuple[tuple[str, str, ChargeKind, str], ...] = (
    (r"OPENAI(?: \*)? CHATGPT(?: \w+){0,2}", "chatgpt", "plan", "ChatGPT"),
    (r"CHATGPT(?: (?:SUBSCR\w*|PLUS|PRO|TEAM|BUSINESS|GO))+", "chatgpt", "plan", "ChatGPT"),
    (rf"OPENAI{_COMPANY}{_API}?(?: IRELAND(?: LTD| LIMITED)?)?", "openai", "api", "OpenAI API"),
    (
        r"(?:ANTHROPIC(?: \*)? )?CLAUDE(?:\.AI)?(?: (?:SUBS?\w*|SU|PRO|MAX|TEAM|PLAN|AI))+",
        "claude-desktop",
        "plan",
        "Claude",
    ),
    (r"(?:ANTHROPIC(?: \*)? )CLAUDE(?:\.AI)?|CLAUDE\.AI", "claude-desktop", "plan", "Claude"),
    (rf"ANTHROPIC{_COMPANY}{_API}?(?: IRELAND(?: LTD| LIMITED)?)?", "anthropic", "api", "Claude API"),
    (r"CURSOR(?:\.COM)? USAGE(?: \w+){0,3}", "cursor", "api", "Cursor usage"),
    (r"CURSOR,? AI POWERED IDE|CURSOR(?: AI| PRO| IDE)?|CURSOR\.COM", "cursor", "plan", "Cursor"),
    (rf"ANYSPHERE{_COMPANY}", "cursor", "plan", "Cursor"),
    (r"GITHUB(?:,? INC\.?)?(?: \*)? COPILOT(?: \w+)?", "github-copilot", "plan", "GitHub Copilot"),
    (rf"MIDJOURNEY{_COMPANY}", "midjourney", "plan", "Midjourney"),
    (rf"PERPLEXITY(?:\.AI)?(?: PRO| MAX)?{_COMPANY}", "perplexity", "plan", "Perplexity"),
    (rf"ELEVEN ?LABS(?:\.IO)?{_COMPANY}", "elevenlabs", "plan", "ElevenLabs"),
    (rf"OPENROUTER(?:\.AI)?{_COMPANY}", "openrouter", "api", "OpenRouter"),
    (rf"HUGGING ?FACE(?:\.CO)?{_COMPANY}", "huggingface", "api", "Hugging Face"),
    (rf"REPLICATE(?:\.COM)?{_COMPANY}", "replicate", "api", "Replicate"),
    (rf"FAL(?:\.AI| AI){_COMPANY}|FEATURES ?& ?LABELS{_COMPANY}", "other", "api", "fal.ai"),
    (rf"TOGETHER(?: AI|\.AI| COMPUTER){_COMPANY}", "together", "api", "Together AI"),
    (rf"FIREWORKS(?: AI|\.AI){_COMPANY}", "fireworks", "api", "Fireworks AI"),
    (rf"GROQ(?:CLOUD)?{_COMPANY}", "groq", "api", "Groq"),
    (rf"MISTRAL(?: AI|\.AI)(?: \* LE CHAT)?{_COMPANY}", "mistral", "api", "Mistral AI"),
    (r"(?:X CORP\.? |XAI )?SUPERGROK(?: \w+)?", "xai", "plan", "SuperGrok"),
    (rf"XAI{_COMPANY}|X\.AI{_COMPANY}", "xai", "api", "xAI API"),
    (rf"DEEPSEEK(?:\.COM)?{_COMPANY}", "deepseek", "api", "DeepSeek"),
    (rf"COHERE(?:\.COM|\.AI| INC| AI){_COMPANY}", "cohere", "api", "Cohere"),
    (
        rf"WINDSURF(?: EDITOR|\.COM| AI| PRO)?{_COMPANY}|CODEIUM{_COMPANY}|EXAFUNCTION{_COMPANY}",
        "windsurf",
        "plan",
        "Windsurf",
    ),
    (rf"REPLIT(?:\.COM)?{_COMPANY}(?: CORE)?", "other", "plan", "Replit"),
    (rf"LOVABLE(?:\.DEV| LABS| AI){_COMPANY}", "other", "plan", "Lovable"),
    (r"(?:VERCEL \* )?V0(?:\.DEV|\.APP| BY VERCEL)", "other", "plan", "v0"),
    (rf"BOLT\.NEW{_COMPANY}|STACKBLITZ{_COMPANY}", "other", "plan", "Bolt"),
    (
        r"GOOGLE \* ?(?:GEMINI|GOOGLE ONE AI|GOOGLE AI|ONE AI|AI)(?: (?:PRO|ULTRA|PREMI\w*|ADVANCED|API))*",
        "gemini-app",
        "plan",
        "Google AI",
    ),
    (r"GOOGLE (?:\* ?)?CLOUD(?: \w{1,12})?", "google", "api", "Google Cloud"),
    (r"(?:MSFT|MICROSOFT)(?: \*)? ?(?:M365 |365 )?COPILOT(?: PRO)?", "other", "plan", "Microsoft Copilot"),
    (rf"RUNWAY ?ML(?:\.COM)?{_COMPANY}|RUNWAY AI{_COMPANY}", "other", "plan", "Runway"),
    (rf"SUNO(?: INC|\.COM|\.AI| AI){_COMPANY}", "other", "plan", "Suno"),
)
_COMPILED = tuple(
    (re.compile(rf"(?:{pattern}){_TAIL}"), Match(provider, kind, product))
    for pattern, provider, kind, product in _PATTERNS
)
# Charges of an app store do not name the app.
_UNTOLD = re.compile(r"(?:APPLE\.COM/BILL|APPLE SERVICES|ITUNES\.COM/BILL|GOOGLE \* ?PLAY|GOOGLE PLAY)\b")


def normalise(descriptor: str) -> str:
    """Upper case with single spaces, `*` between spaces, without what banks add to a merchant's name."""
    text = unicodedata.normalize("NFKD", descriptor[:500]).encode("ascii", "ignore").decode().upper()
    text = _AFTER.sub(" ", text)
    text = re.sub(r" *\* *", " * ", re.sub(r"\s+", " ", text)).strip(" ,.-/")
    return _BEFORE.sub("", text).strip(" ,.-/").removeprefix("WWW.")[:MAX_LENGTH]


def find_seller(descriptor: str) -> Match | None:
    """The seller of AI that a charge is of; None for others and for look-alikes."""
    text = normalise(descriptor)
    return next((match for pattern, match in _COMPILED if pattern.fullmatch(text)), None)


def is_untold(descriptor: str) -> bool:
    """True for charges of app stores, which may be of an AI plan."""
    return _UNTOLD.match(normalise(descriptor)) is not None
