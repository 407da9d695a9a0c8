"""The locale of names and dates: the one place to change it.

Amounts and counts are grouped as in 1,234.50 in every locale.
"""

LOCALE = "en_US"
DAY_PATTERN = "d MMM y"  # 20 Nov 2026: day and month cannot be confused, unlike in 11/20/2026
SHORT_DAY_PATTERN = "d MMM"
MONTH_PATTERN = "MMM y"
