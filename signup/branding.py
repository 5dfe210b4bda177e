"""The brand: the site's own logo, and an accent colour that can be read wherever it stands."""

import colorsys
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, current_app, make_response, render_template

brand = Blueprint("brand", __name__)

# What static/style.css says, too: links and buttons are written in the accent on these papers,
# and buttons have the first of them as ink.
ACCENT, DARK_ACCENT = "#3b37c8", "#a9a6ff"
LIGHT = ("#ffffff", "#f6f6f9")
DARK = ("#212134", "#181826")
# WCAG 2.2, 1.4.3: text. What it asks of buttons and outlines (1.4.11) is less, 3:1.
READABLE = 4.5
# On dark paper, more is easier on the eyes.
COMFORTABLE = 6
LOGO_BYTES = 100 * 1024
COLOR = re.compile(r"#[0-9a-fA-F]{6}")
PNG = b"\x89PNG\r\n\x1a\n"
# The root of an SVG, after what XML allows before it.
SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*>)*<svg[\s>]", re.DOTALL
)
# Opened by itself, a picture runs nothing, loads nothing and is nobody.
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
# Addresses carry the version of what they lead to.
LASTING = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Logo:
    """A picture, kept as it was when the service started."""

    content: bytes
    mimetype: str

    @classmethod
    def read(cls, path: str) -> "Logo":
        """The picture in a file. Raises ValueError, with what is wrong with it."""
        try:
            with Path(path).open("rb") as file:
                content = file.read(LOGO_BYTES + 1)
        except OSError as error:
            raise ValueError(f"{path} cannot be read ({error.strerror})") from error
        if len(content) > LOGO_BYTES:
            raise ValueError(f"{path} is larger than 100 kB")
        if content.startswith(PNG):
            return cls(content, "image/png")
        if SVG.match(content):
            return cls(content, "image/svg+xml")
        raise ValueError(f"{path} is neither")

    @property
    def version(self) -> str:
        """Another one for another picture."""
        return hashlib.sha256(self.content).hexdigest()[:8]


def init_app(app: Flask) -> None:
    """Add the logo and the accent, and tell every page and letter of them."""
    path, accent = app.config["SITE_LOGO"], app.config["ACCENT_COLOR"]
    logo = app.extensions["logo"] = Logo.read(path) if path else None
    told = {
        "accent": accent or ACCENT,
        "dark_accent": lighter(accent) if accent else DARK_ACCENT,
        "own_accent": bool(accent),
        "site_logo": logo,
    }
    app.register_blueprint(brand)
    app.context_processor(lambda: told)


@brand.get("/logo")
def logo() -> Response:
    """The site's logo, where it has one."""
    picture: Logo | None = current_app.extensions["logo"]
    if picture is None:
        abort(404)
    response = Response(picture.content, mimetype=picture.mimetype)
    response.headers.update({"Content-Security-Policy": PICTURE_POLICY, "Cache-Control": LASTING})
    return response


@brand.get("/accent.css")
def accent() -> Response:
    """The tokens that the site's own accent changes."""
    color = current_app.config["ACCENT_COLOR"] or ACCENT
    response = make_response(render_template("accent.css", light=color, dark=lighter(color)))
    response.headers.update({"Content-Type": "text/css; charset=utf-8", "Cache-Control": LASTING})
    return response


def logo_fault(value: str) -> str | None:
    """What the file of a logo must be, where it is not."""
    try:
        Logo.read(value)
    except ValueError as error:
        return f"the path of an SVG or PNG image of at most 100 kB: {error}"
    return None


def accent_fault(value: str) -> str | None:
    """What an accent must be, where it cannot be read."""
    if not COLOR.fullmatch(value):
        return f"a colour like {ACCENT}, not {value!r}"
    ratio, paper = min((contrast(value, paper), paper) for paper in LIGHT)
    if ratio >= READABLE:
        return None
    return (
        f"a colour that can be read: {value} on {paper} has a contrast of {ratio:.1f}:1, and links"
        f" and buttons need {READABLE}:1 (WCAG 2.2); take a darker shade"
    )


# Settings that are part of the brand, each with what may be wrong with it.
FAULTS = {"SITE_LOGO": logo_fault, "ACCENT_COLOR": accent_fault}


def lighter(color: str) -> str:
    """The shade of `color` for dark pages: as much lighter as it takes to be read there."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(color))
    shade = color
    while min(contrast(shade, paper) for paper in DARK) < COMFORTABLE:
        lightness += 0.01
        shade = _hex(colorsys.hls_to_rgb(hue, min(lightness, 1.0), saturation))
    return shade


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG 2.2 defines it: from 1 to 21."""
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
