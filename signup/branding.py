"""The site's own logo and accent colour. The accent must be readable everywhere it is used."""

import colorsys
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, current_app, make_response, render_template

brand = Blueprint("brand", __name__)

# The same colours stand in static/style.css. Links have the accent on these backgrounds. Buttons
# have the first background as the colour of their text.
ACCENT, DARK_ACCENT = "#3b37c8", "#a9a6ff"
LIGHT = ("#ffffff", "#f6f6f9")
DARK = ("#212134", "#181826")
# Contrast of text (WCAG 2.2, 1.4.3). Buttons and outlines need less, 3:1 (1.4.11).
MIN_CONTRAST = 4.5
# On a dark background, more contrast is easier to read.
MIN_DARK_CONTRAST = 6
MAX_LOGO_BYTES = 100 * 1024
COLOR = re.compile(r"#[0-9a-fA-F]{6}")
PNG = b"\x89PNG\r\n\x1a\n"
# The root element of an SVG, and what XML allows before it.
SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*>)*<svg[\s>]", re.DOTALL
)
# Opened as a page, the logo runs no scripts, loads nothing, and has no access to our site.
LOGO_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
# For URLs that contain the version of their content.
CACHED = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Logo:
    """An image, read when the service starts."""

    content: bytes
    mimetype: str

    @classmethod
    def read(cls, path: str) -> "Logo":
        """Read an image from a file. Raises ValueError, which says what is wrong with it."""
        try:
            with Path(path).open("rb") as file:
                content = file.read(MAX_LOGO_BYTES + 1)
        except OSError as error:
            raise ValueError(f"{path} cannot be read ({error.strerror})") from error
        if len(content) > MAX_LOGO_BYTES:
            raise ValueError(f"{path} is larger than 100 kB")
        if content.startswith(PNG):
            return cls(content, "image/png")
        if SVG.match(content):
            return cls(content, "image/svg+xml")
        raise ValueError(f"{path} is neither")

    @property
    def version(self) -> str:
        """A hash that changes with the content."""
        return hashlib.sha256(self.content).hexdigest()[:8]


def init_app(app: Flask) -> None:
    """Add the logo and the stylesheet of the accent, and pass both to all templates."""
    path, accent = app.config["SITE_LOGO"], app.config["ACCENT_COLOR"]
    logo = app.extensions["logo"] = Logo.read(path) if path else None
    context = {
        "accent": accent or ACCENT,
        "dark_accent": lighter(accent) if accent else DARK_ACCENT,
        "own_accent": bool(accent),
        "site_logo": logo,
    }
    app.register_blueprint(brand)
    app.context_processor(lambda: context)


@brand.get("/logo")
def logo() -> Response:
    """Return the site's logo, or 404 if it has none."""
    image: Logo | None = current_app.extensions["logo"]
    if image is None:
        abort(404)
    response = Response(image.content, mimetype=image.mimetype)
    response.headers.update({"Content-Security-Policy": LOGO_POLICY, "Cache-Control": CACHED})
    return response


@brand.get("/accent.css")
def accent() -> Response:
    """Return a stylesheet that sets the tokens of the site's own accent."""
    color = current_app.config["ACCENT_COLOR"] or ACCENT
    response = make_response(render_template("accent.css", light=color, dark=lighter(color)))
    response.headers.update({"Content-Type": "text/css; charset=utf-8", "Cache-Control": CACHED})
    return response


def logo_fault(value: str) -> str | None:
    """Return what the setting SITE_LOGO must be, or None when the file is correct."""
    try:
        Logo.read(value)
    except ValueError as error:
        return f"the path of an SVG or PNG image of at most 100 kB: {error}"
    return None


def accent_fault(value: str) -> str | None:
    """Return what the setting ACCENT_COLOR must be, or None when the colour is readable."""
    if not COLOR.fullmatch(value):
        return f"a colour like {ACCENT}, not {value!r}"
    ratio, background = min((contrast(value, each), each) for each in LIGHT)
    if ratio >= MIN_CONTRAST:
        return None
    return (
        f"a colour that can be read: {value} on {background} has a contrast of {ratio:.1f}:1, and"
        f" links and buttons need {MIN_CONTRAST}:1 (WCAG 2.2); take a darker shade"
    )


# A function for each setting of this module, which finds faults in it.
FAULTS = {"SITE_LOGO": logo_fault, "ACCENT_COLOR": accent_fault}


def lighter(color: str) -> str:
    """Return a lighter shade of `color` that is readable on dark backgrounds."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(color))
    shade = color
    while min(contrast(shade, background) for background in DARK) < MIN_DARK_CONTRAST:
        lightness += 0.01
        shade = _hex(colorsys.hls_to_rgb(hue, min(lightness, 1.0), saturation))
    return shade


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(color)]
    return sum(part * c for part, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = bytes.fromhex(color[1:])
    return red / 255, green / 255, blue / 255


def _hex(channels: tuple[float, float, float]) -> str:
    return "#" + bytes(round(channel * 255) for channel in channels).hex()
