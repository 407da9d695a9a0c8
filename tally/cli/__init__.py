"""The `tally` command, one module per group of commands."""
