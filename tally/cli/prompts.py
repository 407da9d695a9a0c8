"""`tally prompts`: prompts, their versions, and which of them run."""

import json
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tally.cli.account import SessionOrEmail, WorkspaceName, acting_here
from tally.cli.command import TallyCommand
from tally.cli.output import echo
from tally.core.errors import TallyError

if TYPE_CHECKING:
    from tally.prompts.comparison import Row, Side
    from tally.prompts.stored import Prompt, PromptSummary, Shares

NOTHING_YET = "No prompts yet. Push one with `tally prompts push FILE`, or send prompt names with your calls."
TEXT_COLUMNS = ("Prompt", "Runs", "Tags")
NUMBER_COLUMNS = ("Versions", "Newest")
NONE = "-"
MARK_BYTES = 3  # of a byte order mark

PromptName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the prompt.", show_default=False)]
Environment = Annotated[str, typer.Option(metavar="NAME", help="Environment, such as production.")]

NAME_LETTERS = 60  # shown in a list: one long name makes every row as long

prompts = typer.Typer(
    help="Manage prompts, their versions and splits.\n\nExample: tally prompts list",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@prompts.command("list", cls=TallyCommand)
def list_prompts(
    search: Annotated[
        str, typer.Option(metavar="TEXT", help="Text in a name, a tag or a message.", show_default=False)
    ] = "",
    archived: Annotated[bool, typer.Option("--archived", help="List archived ones.")] = False,
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the prompts of a workspace, with the versions that run.

    Example: tally prompts list --search refund
    """
    from tally.prompts.stored import load_prompts

    with acting_here(email, "tally prompts list", workspace) as database:
        found = load_prompts(database, search, archived)
    if as_json:
        typer.echo(json.dumps({"prompts": [_describe(prompt) for prompt in found]}, indent=2))
    elif not found:
        typer.echo(NOTHING_YET if not search and not archived else "No prompt is found.")
    else:
        from tally.cli.tables import print_table

        print_table(TEXT_COLUMNS, NUMBER_COLUMNS, map(_cells, found))


@prompts.command(cls=TallyCommand)
def push(  # noqa: PLR0913 - one for each option
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Files with a text each.", show_default=False)
    ],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the prompt (default: the file's).")
    ] = None,
    message: Annotated[str, typer.Option("-m", "--message", metavar="TEXT", help="What changed.")] = "",
    label: Annotated[list[str] | None, typer.Option(metavar="LABEL", help="May be repeated.")] = None,
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
) -> None:
    """Keep texts as new versions; an unchanged text is no new version.

    All files are checked before the first one is pushed.

    Example: tally prompts push prompts/refund-policy.txt -m "Shorter"
    """
    from tally.prompts.content import check_content
    from tally.prompts.stored import push_prompt
    from tally.prompts.template import find_variables

    if name is not None and len(files) > 1:
        raise TallyError("--name names one prompt. Push one file with it.")
    texts = [(name or path.stem, read_text(path)) for path in files]
    for (_, text), path in zip(texts, files, strict=True):
        try:
            find_variables(check_content(text))
        except TallyError as error:
            raise TallyError(f"{path}: {error} Nothing was pushed.") from None
    with acting_here(email, "tally prompts push", workspace) as database:
        for prompt, text in texts:
            pushed = push_prompt(database, prompt, text, message, label or ())
            state = "is new" if pushed.is_new else "has this text already"
            echo(f"{prompt}: v{pushed.number} {state}.")


@prompts.command(cls=TallyCommand)
def pull(
    name: PromptName,
    version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="A version, such as 8 (default: what runs).")
    ] = None,
    label: Annotated[str, typer.Option(metavar="LABEL", help="A label, or an environment.")] = "production",
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
) -> None:
    """Print the text of a version on standard output.

    Example: tally prompts pull refund-policy > refund-policy.txt
    """
    from tally.prompts.serving import find_given
    from tally.prompts.stored import load_text

    with acting_here(email, "tally prompts pull", workspace) as database:
        number = read_version(version) if version else find_given(database, name, label, None).number
        text = load_text(database, name, number)
    if text.content is None:
        raise TallyError(f"Only records name v{number} of {name}: its text was not pushed.")
    sys.stdout.buffer.write(text.content.encode())
    sys.stdout.flush()


@prompts.command(cls=TallyCommand)
def diff(
    name: PromptName,
    before: Annotated[
        str | None,
        typer.Argument(metavar="[BEFORE]", help="A version (default: the one before).", show_default=False),
    ] = None,
    after: Annotated[
        str | None,
        typer.Argument(metavar="[AFTER]", help="A version (default: the newest).", show_default=False),
    ] = None,
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
) -> None:
    """Print what changed from one version to another, with changed words marked.

    Removed words are in [-…-], added ones in {+…+}.

    Example: tally prompts diff refund-policy 7 8
    """
    from tally.prompts.comparison import compare
    from tally.prompts.stored import load_prompt, load_text

    with acting_here(email, "tally prompts diff", workspace) as database:
        old, new = _choose_versions(load_prompt(database, name), before, after)
        texts = [load_text(database, name, number).content for number in (old, new)]
    missing = [number for number, text in zip((old, new), texts, strict=True) if text is None]
    if missing:
        raise TallyError(f"Only records name v{missing[0]} of {name}: its text was not pushed.")
    rows = compare(texts[0] or "", texts[1] or "")
    if rows is None:
        raise TallyError("These texts have too many lines to be compared here. Pull both, and use diff.")
    for row in rows:
        if row.is_changed:
            _print_change(row)
    if not any(row.is_changed for row in rows):
        echo(f"v{old} and v{new} are the same.")


@prompts.command(cls=TallyCommand)
def deploy(
    name: PromptName,
    versions: Annotated[
        list[str],
        typer.Argument(
            metavar="VERSION[=SHARE]", help="Versions, with shares in percent.", show_default=False
        ),
    ],
    environment: Environment = "production",
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
) -> None:
    """Give an environment a version, or several by their shares.

    Example: tally prompts deploy refund-policy 7=90 8=10
    """
    from tally.prompts.stored import deploy_prompt, describe_shares

    shares = read_shares(versions)
    with acting_here(email, "tally prompts deploy", workspace) as database:
        is_new = deploy_prompt(database, name, environment, shares)
    running = describe_shares({number: share for number, share in shares.items() if share})
    echo(f"{name}: {running} {_verb(shares)}{'' if is_new else ' already'} in {environment}.")


@prompts.command(cls=TallyCommand)
def rollback(
    name: PromptName,
    environment: Environment = "production",
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
) -> None:
    """Deploy again what ran before; nothing is deleted.

    Example: tally prompts rollback refund-policy
    """
    from tally.prompts.stored import describe_shares, roll_back

    with acting_here(email, "tally prompts rollback", workspace) as database:
        shares: Shares = roll_back(database, name, environment)
    echo(f"{name}: {describe_shares(shares)} {_verb(shares)} in {environment} again.")


def _verb(shares: "Shares") -> str:
    return "runs" if sum(share > 0 for share in shares.values()) == 1 else "run"


def read_text(path: Path) -> str:
    """The text of a file, or of standard input for `-`; raises TallyError for what is no UTF-8."""
    from tally.cli.input_file import read_file
    from tally.prompts.content import MAX_BYTES

    most = MAX_BYTES + MARK_BYTES + 1  # one byte too many
    try:
        data = sys.stdin.buffer.read(most) if str(path) == "-" else read_file(path, most)
    except OSError as error:
        raise TallyError(f"{path} cannot be read: {error.strerror}. Nothing was pushed.") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TallyError(f"{path} is not UTF-8: see line {line}. Nothing was pushed.") from None


def read_version(text: str) -> int:
    """The number of a version, such as 8 or v8; raises TallyError."""
    digits = text.removeprefix("v")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 6):
        raise TallyError(f"“{text}” is no version. Give its number, such as 8.")
    return int(digits)


def read_shares(given: list[str]) -> dict[int, Decimal]:
    """Shares by version, of VERSION=SHARE or one VERSION alone; raises TallyError."""
    shares: dict[int, Decimal] = {}
    for text in given:
        version, has_share, share = text.partition("=")
        if not has_share and len(given) > 1:
            raise TallyError(f"Give each version its share in percent, such as {version}=90.")
        number = read_version(version)
        if number in shares:
            raise TallyError(f"v{number} is there twice. Give it once.")
        try:
            percent = Decimal(share.removesuffix("%") if has_share else 100)
        except InvalidOperation:
            percent = Decimal("NaN")
        if not percent.is_finite():
            raise TallyError(f"“{share}” is no share. Give percents, such as {version}=90.")
        shares[number] = percent
    return shares


def _choose_versions(prompt: "Prompt", before: str | None, after: str | None) -> tuple[int, int]:
    numbers = [version.number for version in prompt.versions]
    if before and after:
        return read_version(before), read_version(after)
    if before:
        return read_version(before), numbers[0]
    if len(numbers) < 2:
        raise TallyError(f"{prompt.name} has one version: there is nothing to compare it with.")
    return numbers[1], numbers[0]


def _print_change(row: "Row") -> None:
    for sign, side, marks in (("-", row.before, ("[-", "-]")), ("+", row.after, ("{+", "+}"))):
        if side is not None:
            echo(f"{sign} {side.number:>4}  {_mark(side, marks)}")


def _mark(side: "Side", marks: tuple[str, str]) -> str:
    return "".join(
        f"{marks[0]}{span.text}{marks[1]}" if span.is_changed else span.text for span in side.spans
    )


def _cells(prompt: "PromptSummary") -> tuple[str, ...]:
    from tally.prompts.stored import describe_shares

    environments = dict.fromkeys(share.environment for share in prompt.live)
    running = [
        f"{environment}: " + describe_shares({one.number: one.percent for one in prompt.runs(environment)})
        for environment in environments
    ]
    name = prompt.name
    return (
        name if len(name) <= NAME_LETTERS else f"{name[: NAME_LETTERS - 1]}…",
        "; ".join(running) or NONE,
        ", ".join(prompt.tags) or NONE,
        f"{prompt.versions:,}",
        f"v{prompt.newest}" if prompt.newest else NONE,
    )


def _describe(prompt: "PromptSummary") -> dict[str, object]:
    return {
        "name": prompt.name,
        "tags": list(prompt.tags),
        "versions": prompt.versions,
        "newest": prompt.newest,
        "live": [
            {"environment": share.environment, "version": share.number, "percent": str(share.percent)}
            for share in prompt.live
        ],
    }
