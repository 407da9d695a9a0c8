"""Costs in FOCUS, the open format of FinOps tools: rows, files, and files that are kept up to date."""
