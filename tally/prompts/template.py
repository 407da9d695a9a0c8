"""Variables of a prompt's text, found by parsing: {{x}} as in Mustache and Jinja, {x} as in Python.

A text without tags of Mustache or Jinja may have any braces: those around a name are variables, others are
text, such as JSON. In a text with {{ }}, single braces are text. Where a tag with {{ }} is none, but all of
the text is a template of Python, the doubled braces are those that it escapes.
"""

import re
from collections.abc import Iterator
from string import Formatter

from tally.prompts.content import PromptError, locate

MAX_VARIABLES = 500
MAX_NAME = 100

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
FIRST_NAME = re.compile(NAME)
# A tag is closed before the next one begins.
TAG = re.compile(r"\{\{\{(?P<raw>[^{}]*)\}\}\}|\{\{(?P<sign>[#^/&>!]?)(?P<tag>[^{}]*)\}\}|(?P<open>\{\{)")
MUSTACHE_NAME = re.compile(rf"\s*[-~]?\s*({NAME}|\.|@{NAME})[^{{}}]*$")
BRACES = re.compile(rf"\{{({NAME})((?:\.{NAME}|\[[^\[\]{{}}\n]*\])*)(![rsa])?(:[^{{}}\n]*)?\}}")
UNCLOSED = re.compile(rf"\{{{NAME}[^{{}}]*\Z")
QUOTES = ('"', "'")
BLOCK = re.compile(r"\{%")
KEYWORDS = frozenset({"else", "this", "true", "false", "none", "True", "False", "None", "not"})


def find_variables(text: str) -> list[str]:
    """The variables of a text in their order, each once; raises PromptError where it does not parse."""
    names = dict.fromkeys(name for name in _read_names(text) if len(name) <= MAX_NAME)
    if len(names) > MAX_VARIABLES:
        raise PromptError(f"This prompt has {len(names):,} variables, and {MAX_VARIABLES} is the most.")
    return list(names)


def _read_names(text: str) -> list[str]:
    if BLOCK.search(text):
        return _read_jinja(text)
    if "{{" in text:
        try:
            return list(_read_mustache(text))
        except PromptError:
            if not (names := _read_format(text)):
                raise
            return names
    return list(_read_braces(text))


def _read_mustache(text: str) -> Iterator[str]:
    """Names in {{ }}; the sections of Mustache are closed in their order."""
    sections: list[tuple[str, int]] = []
    for tag in TAG.finditer(text):
        if tag["open"]:
            raise _fault(text, tag.start(), "{{ is not closed by }}")
        sign, inner = tag["sign"] or "", (tag["raw"] if tag["raw"] is not None else tag["tag"]).strip()
        if sign == "/":
            if not sections or sections.pop()[0] != inner:
                raise _fault(text, tag.start(), f"{{{{/{inner[:40]}}}}} closes nothing that is open")
        elif sign not in ("!", ">"):
            _check_tag(text, tag.start(), inner)
            if sign in ("#", "^"):
                sections.append((inner.split()[0], tag.start()))
            yield from _first_name(inner)
    if sections:
        name, start = sections[-1]
        raise _fault(text, start, f"{{{{#{name[:40]}}}}} is not closed by {{{{/{name[:40]}}}}}")


def _check_tag(text: str, start: int, inner: str) -> None:
    if not inner:
        raise _fault(text, start, "{{ }} is empty")
    if not MUSTACHE_NAME.match(inner) and not inner.startswith(QUOTES):
        raise _fault(text, start, f"{{{{{inner[:40]}}}}} names no variable")


def _first_name(inner: str) -> Iterator[str]:
    parts = inner.split()
    # A helper of Handlebars has its variable behind it: {{#if user}}.
    called = len(parts) > 1 and parts[0] in ("if", "unless", "each", "with")
    found = FIRST_NAME.search(parts[1] if called else inner)
    if found and found[0] not in KEYWORDS and not inner.startswith((*QUOTES, ".", "@")):
        yield found[0]


def _read_format(text: str) -> list[str]:
    """Names in a template of Python, whose doubled braces are text; empty where it is none."""
    try:
        fields = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError:
        return []
    found = [FIRST_NAME.match(name) for name in fields]
    return [name[0] for name in found if name] if all(found) else []


def _read_braces(text: str) -> Iterator[str]:
    for found in BRACES.finditer(text):
        yield found[1]
    if unclosed := UNCLOSED.search(text):
        raise _fault(text, unclosed.start(), "{ is not closed by }")


def _read_jinja(text: str) -> list[str]:
    from jinja2 import Environment, TemplateSyntaxError, meta  # lazily: few prompts have blocks

    try:
        parsed = Environment().parse(text)  # noqa: S701 - parsed, never rendered
        names = meta.find_undeclared_variables(parsed)
    except TemplateSyntaxError as error:
        line = error.lineno
        written = text.split("\n")[line - 1] if line <= text.count("\n") + 1 else ""
        column = min((at for at in (written.find("{%"), written.find("{{")) if at >= 0), default=0) + 1
        raise PromptError(_describe(line, column, (error.message or "").rstrip("."))) from None
    except RecursionError:
        raise PromptError("This template is nested too deeply. Make it simpler.") from None
    return sorted(names, key=lambda name: (text.find(name), name))


def _fault(text: str, position: int, reason: str) -> PromptError:
    return PromptError(_describe(*locate(text, position), reason))


def _describe(line: int, column: int, reason: str) -> str:
    return f"Line {line}, column {column}: {reason}. Correct the template, then push it again."
