"""Chromium for the tests of pages; Debian's build without windows costs a third, and is taken where it is."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or ""
needs_chromium = pytest.mark.skipif(
    not CHROMIUM,
    reason="needs Debian's package chromium-headless-shell or chromium; apt-get install has both",
)
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
