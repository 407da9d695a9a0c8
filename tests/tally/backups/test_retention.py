"""Automatic backups: seven days, four weeks, three migrations; those made by hand stay."""

from datetime import datetime, timedelta

from tally.backups.retention import Reason, backup_name, find_outdated, last_nightly

MONDAY = datetime(2026, 11, 30, 3, 15)  # noqa: DTZ001 - names hold local times


def nights(count: int) -> list[str]:
    return [backup_name(MONDAY - timedelta(days=days), Reason.NIGHTLY) for days in range(count)]


def kept_days(names: list[str]) -> list[str]:
    return sorted((name[6:16] for name in set(names) - find_outdated(names)), reverse=True)


def test_seven_days_and_the_newest_of_four_weeks_are_kept() -> None:
    assert kept_days(nights(60)) == [
        *(f"2026-11-{day}" for day in (30, 29, 28, 27, 26, 25, 24)),
        "2026-11-22",
        "2026-11-15",
    ]


def test_few_backups_are_all_kept_however_old() -> None:
    names = [backup_name(MONDAY - timedelta(days=400 * each), Reason.NIGHTLY) for each in range(7)]
    assert find_outdated(names) == set()


def test_newest_of_a_day_is_kept() -> None:
    early, late = (backup_name(MONDAY + timedelta(hours=hours), Reason.NIGHTLY) for hours in (0, 2))
    assert find_outdated([early, late]) == {early}


def test_three_from_before_migrations_are_kept_beside_the_nightly_ones() -> None:
    names = [backup_name(MONDAY + timedelta(hours=hours), Reason.MIGRATION) for hours in range(5)]
    assert find_outdated(names + nights(2)) == set(names[:2])


def test_files_made_by_hand_are_never_outdated() -> None:
    others = [backup_name(MONDAY - timedelta(days=days)) for days in range(30)] + [
        "notes.txt",
        "tally-x.backup",
    ]
    assert find_outdated(others + nights(1)) == set()


def test_latest_nightly_backup_is_found() -> None:
    assert last_nightly([*nights(3), backup_name(MONDAY + timedelta(days=1))]) == MONDAY
    assert last_nightly(["notes.txt"]) is None
