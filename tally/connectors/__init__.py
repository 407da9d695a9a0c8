"""Providers' APIs: one module per provider, connections and sync."""
