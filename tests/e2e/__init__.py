"""Tests in a real browser: one package, for they share one."""
