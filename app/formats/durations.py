"""Durations as text."""

MS, SECOND, MINUTE = 1_000, 1_000_000, 60_000_000  # in microseconds


def format_long_duration(duration_us: float) -> str:
    """A duration of a place for few letters: whole minutes from ten on."""
    minutes = round(max(duration_us, 0) / MINUTE)
    return f"{minutes} min" if 10 <= minutes < 60 else format_duration(duration_us)


def format_duration(duration_us: float) -> str:
    """A duration in one or two units: 0.4 ms, 340 ms, 18.42 s, 3 min 5 s, 2 h 4 min."""
    us = max(round(duration_us), 0)
    if us == 0:
        return "0 s"
    if us < MS:
        return f"{us / MS:.1f} ms"
    if us < 999_500:
        return f"{us / MS:.0f} ms"
    if us < 59_995_000:
        return f"{us / SECOND:.2f} s"
    seconds = round(us / SECOND)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    minutes = round(us / MINUTE)
    return f"{minutes // 60:,} h {minutes % 60} min"
