"""What counts, and why: saving, billing accounts, reconciliation."""
