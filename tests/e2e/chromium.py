"""The browsers of the end-to-end tests and of the bench of the pages."""

import os
import shutil

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
# The same engine without windows: a quarter less CPU.
HEADLESS = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or CHROMIUM
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# One process for all tabs, and no time spent on making code fast that runs for seconds: a tenth less CPU.
TEST_FLAGS = ["--process-per-site", "--js-flags=--no-opt --no-maglev --single-threaded-gc"]
# The name of a stranger's site that leads to this machine, as its owner can make it do (DNS rebinding).
REBOUND = "evil.example"
TEST_FLAGS.append(f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1")
