"""`tally backup` and `tally restore`: this machine's Tally in one file, and back."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tally.cli.command import TallyCommand
from tally.cli.output import echo
from tally.core.errors import TallyError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from tally.backups.manifest import Manifest
    from tally.local.home import Home

StdinOption = Annotated[
    bool, typer.Option("--passphrase-stdin", help="Read the passphrase from standard input.")
]


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(cls=TallyCommand)(backup)
    app.command(cls=TallyCommand)(restore)


def backup(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", show_default=False)] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check FILE instead of writing it.")] = False,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Leave out the keys that encrypt provider keys.")
    ] = False,
    passphrase_stdin: StdinOption = False,
    nightly: Annotated[bool, typer.Option("--nightly", hidden=True)] = False,
) -> None:
    """Save all data of this machine's Tally in one file.

    It may run meanwhile. A passphrase encrypts the keys; the rest of the file is as private as you keep it.
    Without FILE, it goes into the folder `backups` of Tally's home.

    Example: tally backup /mnt/disk/tally.backup
    """
    from tally.local.home import open_home

    home = open_home()
    if nightly:
        _back_up_nightly()
    elif verify:
        _verify(home, file, passphrase_stdin)
    else:
        from tally.backups.retention import backup_name
        from tally.local.backup import make_backup

        passphrase = None if without_keys else read_passphrase(passphrase_stdin, is_new=True)
        path = (file or home.backups / backup_name(datetime.now().astimezone())).resolve()
        manifest = make_backup(home, path, passphrase)
        echo(f"Saved {_describe(manifest)} to {path} ({path.stat().st_size / 1e6:,.1f} MB).")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Restore no keys; connections then need theirs again.")
    ] = False,
    passphrase_stdin: StdinOption = False,
) -> None:
    """Restore a backup into an empty folder.

    The folder is TALLY_HOME, on this machine or another. All sessions end: everyone signs in again.

    Example: TALLY_HOME=/srv/tally tally restore /mnt/disk/tally.backup
    """
    from tally.local.home import open_home
    from tally.local.restore import open_source
    from tally.local.restore import restore as restore_source

    home = open_home()
    source = open_source(file, lambda: read_passphrase(passphrase_stdin), without_keys)
    restore_source(home, source)
    echo(f"Restored {_describe(source.manifest)} into {home.path}. Everyone has to sign in again.")


def read_passphrase(from_stdin: bool, is_new: bool = False) -> "SecretStr":
    """The passphrase from standard input, the setting or the terminal; raises TallyError without one."""
    from pydantic import SecretStr

    from tally.backups.keys import refuse_short
    from tally.local.settings import load_local_settings

    passphrase = load_local_settings().tally_backup_passphrase
    if from_stdin:
        passphrase = SecretStr(sys.stdin.readline().rstrip("\r\n"))
    elif passphrase is None and sys.stdin.isatty():
        typed = typer.prompt(
            "Passphrase of the backup", hide_input=True, confirmation_prompt=is_new, err=True
        )
        passphrase = SecretStr(typed)
    if passphrase is None:
        raise TallyError(
            "The backup's keys need a passphrase. Set TALLY_BACKUP_PASSPHRASE, send it with "
            "--passphrase-stdin, or leave the keys out with --without-keys."
        )
    if is_new:
        refuse_short(passphrase)
    return passphrase


def _verify(home: "Home", file: Path | None, passphrase_stdin: bool) -> None:
    from tally.local.backup import verify_backup
    from tally.local.settings import load_local_settings

    if file is None:
        raise TallyError("Name the file to check: tally backup --verify FILE.")
    passphrase = load_local_settings().tally_backup_passphrase
    if passphrase_stdin:
        passphrase = read_passphrase(from_stdin=True)
    manifest = verify_backup(home, file, passphrase)
    keys = "without keys"
    if manifest.has_keys:
        keys = "and keys that the passphrase decrypts" if passphrase else "and keys, which were not decrypted"
    echo(f"{file} is intact: {_describe(manifest)} of {manifest.created_at}, {keys}.")


def _back_up_nightly() -> None:
    from tally.backups.retention import Reason
    from tally.local.backup import make_automatic_backup
    from tally.local.home import open_home
    from tally.local.settings import load_local_settings

    passphrase = load_local_settings().tally_backup_passphrase
    echo(f"Saved {make_automatic_backup(open_home(), Reason.NIGHTLY, passphrase)}.")


def _describe(manifest: "Manifest") -> str:
    records, accounts = (int(manifest.totals[name]) for name in ("records", "accounts"))
    return f"{records:,} record{'s' * (records != 1)} of {accounts:,} account{'s' * (accounts != 1)}"
