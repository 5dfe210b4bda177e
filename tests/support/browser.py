"""The browser that tests drive, and what it needs."""

import os
import shutil

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
# What Chromium logs when the focus was moved before the page could set it.
AUTOFOCUS = "Autofocus processing was blocked"
