"""The weekly and the monthly mail: what was spent, why it changed, and what is ahead."""
