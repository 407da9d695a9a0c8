"""Collectors: spend that Tally fetches by itself, from coding agents' logs and providers' APIs."""
