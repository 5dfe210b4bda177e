"""Languages: which one a page or a letter speaks, and where its words come from."""

from collections.abc import Callable, MutableMapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from babel import Locale
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, current_app, g, request, session
from flask_babel import Babel, Domain, force_locale, get_locale, gettext, refresh
from flask_babel import lazy_gettext as lazy

__all__ = ["get_locale", "gettext", "lazy_gettext"]

# What is shown where it is used like any text.
lazy_gettext: Callable[..., str] = lazy  # type: ignore[assignment]
CATALOGUES = Path(__file__).with_name("translations")
# What the texts are written in; it needs no catalogue.
ENGLISH = "en"
# Of these, the variety that is meant: it decides how dates and lists are written.
VARIETIES = {"en": "en_GB", "pt": "pt_PT"}
# What the address of a page calls the language that was chosen.
CHOICE = "lang"
# Parts that speak English alone: programs' and the sandbox.
IN_ENGLISH = ("api", "sandbox")


class Catalogues(Domain):
    """The words of every language, read when the first page speaks it."""

    def get_translations(self) -> NullTranslations:
        """The words of the language that is spoken now."""
        return catalogue(current_language())


@cache
def catalogue(code: str) -> NullTranslations:
    """The words of a language, compiled from what its translators wrote."""
    file = CATALOGUES / code / "messages.po"
    if not file.exists():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as written:
        write_mo(compiled, read_po(written, locale=code))
    compiled.seek(0)
    return Translations(compiled)


def known() -> list[str]:
    """The languages that texts exist in."""
    return sorted([ENGLISH, *(file.parent.name for file in CATALOGUES.glob("*/messages.po"))])


def init_app(app: Flask) -> None:
    """Have pages and letters speak, and let visitors choose."""
    # What WTForms would say in words of its own, our fields say in ours.
    app.config["WTF_I18N_ENABLED"] = False
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    babel = Babel(app, locale_selector=lambda: _locale(_wanted()))
    babel.domain_instance = Catalogues()
    app.jinja_env.globals.update(
        lazy_gettext=lazy_gettext, current_language=current_language, languages=choices
    )
    app.after_request(_tell)


def current_language() -> str:
    """The code of the language that is spoken now."""
    locale = get_locale()
    return locale.language if locale else ENGLISH


def use_language(code: str | None) -> AbstractContextManager[None]:
    """Speak another language for a while: this one if it is offered, else the default."""
    return force_locale(_locale(_offered(code) or _default()))


def prefer(code: str | None) -> None:
    """Speak this language in this request, unless the visitor has chosen another one."""
    g.preferred_language = code
    refresh()


def choices() -> list[tuple[str, str, str]]:
    """Code, own name and address of each language that this page can be had in; none where
    there is but one, or where what was typed would be lost."""
    if request.method == "POST" or request.blueprint in IN_ENGLISH or len(_all()) < 2:
        return []
    here = [(name, value) for name, value in request.args.items(multi=True) if name != CHOICE]
    return [(code, _name(code), "?" + urlencode([*here, (CHOICE, code)])) for code in _all()]


def clear(visit: MutableMapping[str, Any]) -> None:
    """Forget all that a session holds but the language: whoever logs in or out reads on."""
    chosen = visit.get(CHOICE)
    visit.clear()
    if chosen:
        visit[CHOICE] = chosen


def fault(codes: list[str]) -> str | None:
    """What languages can be offered, where others are asked for."""
    if codes and not set(codes) - set(known()):
        return None
    return f"some of {', '.join(known())}, not {', '.join(codes) or 'none'}"


def listed(parts: Sequence[str], style: str = "standard") -> str:
    """Several things in one sentence: a, b and c."""
    return format_list(parts, style, locale=get_locale())  # type: ignore[arg-type]


def _wanted() -> str:
    """The language of this request, or the default."""
    if not request:
        return _default()
    if request.blueprint in IN_ENGLISH:
        return ENGLISH
    chosen = _offered(request.args.get(CHOICE)) or _offered(session.get(CHOICE))
    preferred = (_offered(code) for code, quality in request.accept_languages if quality > 0)
    own = chosen or _offered(g.get("preferred_language"))
    return own or next(filter(None, preferred), None) or _default()


def _tell(response: Response) -> Response:
    """Name the language of a page, and remember what was chosen."""
    if response.mimetype != "text/html":
        return response
    response.headers.setdefault("Content-Language", current_language())
    chosen = _offered(request.args.get(CHOICE))
    if chosen and session.get(CHOICE) != chosen:
        session[CHOICE] = chosen
    return response


@cache
def _name(code: str) -> str:
    """What a language calls itself."""
    name = Locale.parse(code).language_name or code
    return name[:1].upper() + name[1:]


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(VARIETIES.get(code, code))


def _all() -> list[str]:
    languages: list[str] = current_app.config["LANGUAGES"]
    return languages


def _default() -> str:
    return _all()[0]


def _offered(code: str | None) -> str | None:
    """The language itself, whichever variety is asked for, if it is offered."""
    language = (code or "").partition("-")[0].lower()
    return language if language in _all() else None
