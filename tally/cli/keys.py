"""`tally keys`: the operator's encryption keys, which encrypt provider keys and channels' targets.

The keys of programs are a group of their own, `tally keys api`.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Annotated
from uuid import UUID

import typer
from pydantic import SecretStr

from tally.cli.command import FAILED
from tally.cli.key_rotation import PROVIDER_KEYS, discard_key, refuse_concurrent_change
from tally.cli.output import echo
from tally.cli.sealed_rows import Connection, Sealed, describe_damage
from tally.cli.target_rotation import TARGETS
from tally.core.errors import TallyError
from tally.core.settings import Settings, load_settings
from tally.local.home import open_home
from tally.local.keys import read_encryption_keys, save_encryption_keys
from tally.secrets.key_ring import KeyRing, VaultError, load_key_ring, make_key
from tally.storage.postgres import connect_operator

PRUNE_DELAY_SECONDS = 3600  # longer than it takes to add a connection, from reading the key ring to saving

keys = typer.Typer(
    help="Manage encryption keys, and the keys of programs.\n\nExample: tally keys check",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@keys.command()
def rotate() -> None:
    """Encrypt all provider keys with a new key.

    Safe to interrupt: run it again to finish.

    Example: tally keys rotate
    """
    with connect_operator() as connection:
        refuse_concurrent_change(connection)
        settings = load_settings()
        ring = load_key_ring(settings)
        reencrypted = _reencrypt(connection, ring)
        if reencrypted:
            typer.echo(f"Encrypted with {ring.newest_id}, the newest key: {reencrypted:,}.")
        else:
            _rotate_to_new_key(connection, settings)
    _report()


@keys.command()
def check() -> None:
    """Check that every provider key can be decrypted.

    Shows how many each encryption key protects; exits with code 1 if one cannot be decrypted.

    Example: tally keys check
    """
    _report()


@keys.command()
def prune() -> None:
    """Remove unused encryption keys from this machine.

    Restoring an older backup of the database still needs them.

    Example: tally keys prune
    """
    with connect_operator() as connection:
        refuse_concurrent_change(connection)
        settings = load_settings()
        ring = load_key_ring(settings)
        used = PROVIDER_KEYS.load_used_key_ids(connection, ring) | TARGETS.load_used_key_ids(connection, ring)
        unused = _list_unused(ring, used)
        if not unused:
            typer.echo("There are no unused encryption keys.")
            return
        _remove(unused, settings)
    typer.echo(f"Removed unused encryption keys: {', '.join(unused)}.")


@keys.command()
def discard(
    connections: Annotated[list[UUID], typer.Argument(metavar="CONNECTION…", show_default=False)],
) -> None:
    """Delete connections whose keys cannot be decrypted.

    Fetched records stay. `tally keys check` lists these connections; others are refused.

    Example: tally keys discard 6f1c2b0e-5a83-4c43-9d52-0d6f3c1f7a11
    """
    ring = load_key_ring(load_settings())
    with connect_operator() as connection:
        for credential_id in connections:
            discard_key(connection, ring, credential_id)
            typer.echo(f"Deleted connection {credential_id}.")


@keys.command()
def replace() -> None:
    """Make a new encryption key in place of a lost one.

    Provider keys that the lost key encrypted stay unreadable: their connections need them again.

    Example: tally keys replace
    """
    home = open_home()
    if read_encryption_keys(home):
        raise TallyError(f"{home.vault_env} holds an encryption key. To change it, run `tally keys rotate`.")
    save_encryption_keys(home, SecretStr(make_key()))
    echo("Made a new encryption key. Start Tally, then run `tally keys check`.")


def _rotate_to_new_key(connection: Connection, settings: Settings) -> None:
    current = settings.tally_encryption_keys
    if current is None:
        raise VaultError("TALLY_ENCRYPTION_KEYS is not set. Set it, then run `tally keys rotate` again.")
    home = open_home()
    extended = SecretStr(f"{make_key()},{current.get_secret_value()}")
    if read_encryption_keys(home) != current:
        typer.echo(
            "All provider keys are encrypted with the newest key. To rotate, set this value wherever the app "
            "and the nightly run get their settings, restart them, then run `tally keys rotate` again:",
            err=True,
        )
        typer.echo(f"TALLY_ENCRYPTION_KEYS={extended.get_secret_value()}")
        return
    save_encryption_keys(home, extended)
    ring = load_key_ring(load_settings())
    typer.echo(f"Encrypted with the new key {ring.newest_id}: {_reencrypt(connection, ring):,}.")


def _reencrypt(connection: Connection, ring: KeyRing) -> int:
    """Encrypt provider keys and targets with the newest key; returns their number."""
    return PROVIDER_KEYS.reencrypt(connection, ring) + TARGETS.reencrypt(connection, ring)


def _list_unused(ring: KeyRing, used: Collection[str]) -> list[str]:
    """Ids of older keys that encrypt nothing."""
    return [key_id for key_id in ring.ids if key_id != ring.newest_id and key_id not in used]


def _remove(unused: Collection[str], settings: Settings) -> None:
    home = open_home()
    current = read_encryption_keys(home)
    if current is None or current != settings.tally_encryption_keys:
        raise TallyError(
            "TALLY_ENCRYPTION_KEYS is set in the environment, which Tally does not change. "
            f"Remove these unused keys where it is set: {', '.join(unused)}."
        )
    if time.time() - home.vault_env.stat().st_mtime < PRUNE_DELAY_SECONDS:
        raise TallyError(
            "The keys changed less than an hour ago, and a connection that is being added may still use an "
            "older one. Run `tally keys prune` again in an hour."
        )
    entries = [entry.strip() for entry in current.get_secret_value().split(",")]
    remaining = [entry for entry in entries if entry.partition(":")[0] not in unused]
    save_encryption_keys(home, SecretStr(",".join(remaining)))


def _report() -> None:
    """Print how much each key encrypts; exit with code 1 if anything cannot be decrypted."""
    ring = load_key_ring(load_settings())
    with connect_operator() as connection:
        counts, failures = _judge("Connection", PROVIDER_KEYS.load(connection), ring)
        targets, lost_targets = _judge("Channel", TARGETS.load(connection), ring)
    for key_id in ring.ids:
        age = "newest" if key_id == ring.newest_id else "older"
        typer.echo(f"Provider keys encrypted with {key_id} ({age}): {counts[key_id]:,}")
        if targets[key_id]:
            typer.echo(f"Targets of channels encrypted with {key_id} ({age}): {targets[key_id]:,}")
    every_failure = failures + lost_targets
    if not every_failure and (unused := _list_unused(ring, counts.keys() | targets.keys())):
        typer.echo(f"Unused encryption keys: {', '.join(unused)}. Remove them with `tally keys prune`.")
    for failure in every_failure:
        echo(failure, err=True)
    if failures:
        typer.echo("To delete such a connection, run `tally keys discard` with its id.", err=True)
    if every_failure:
        raise typer.Exit(FAILED)


def _judge(kind: str, found: Iterable[Sealed], ring: KeyRing) -> tuple[Counter[str], list[str]]:
    """Count by key, and list what cannot be decrypted."""
    counts: Counter[str] = Counter()
    failures = []
    for stored in found:
        if damage := describe_damage(stored, ring):
            failures.append(f"{kind} {stored.row_id}: {damage}")
        else:
            counts[stored.key_id] += 1
    return counts, failures
