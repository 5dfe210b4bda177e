"""Languages: which one a page or an email uses, and where its translations come from."""

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

# A text that is translated each time it is shown.
lazy_gettext: Callable[..., str] = lazy  # type: ignore[assignment]
CATALOGUES = Path(__file__).with_name("translations")
# The language of the texts in the code. It needs no catalogue.
ENGLISH = "en"
# The regional variety of a language. It decides how dates and lists are written.
VARIETIES = {"en": "en_GB", "pt": "pt_PT"}
# The parameter in a page's URL, and the key in the session, of the chosen language.
CHOICE = "lang"
# Blueprints that always use English.
IN_ENGLISH = ("api", "sandbox")


class Catalogues(Domain):
    """The translations into every language, each read when it is first used."""

    def get_translations(self) -> NullTranslations:
        """Return the translations into the current language."""
        return catalogue(current_language())


@cache
def catalogue(code: str) -> NullTranslations:
    """Return the translations into a language, compiled from its `messages.po`."""
    file = CATALOGUES / code / "messages.po"
    if not file.exists():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as written:
        write_mo(compiled, read_po(written, locale=code))
    compiled.seek(0)
    return Translations(compiled)


def available_languages() -> list[str]:
    """Return the codes of the languages that have translations, and English."""
    return sorted([ENGLISH, *(file.parent.name for file in CATALOGUES.glob("*/messages.po"))])


def init_app(app: Flask) -> None:
    """Translate pages and emails, and let visitors choose the language."""
    # Our fields bring their own translated messages.
    app.config["WTF_I18N_ENABLED"] = False
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    babel = Babel(app, locale_selector=lambda: _locale(_requested_language()))
    babel.domain_instance = Catalogues()
    app.jinja_env.globals.update(
        lazy_gettext=lazy_gettext, current_language=current_language, languages=language_choices
    )
    app.after_request(_set_content_language)


def current_language() -> str:
    """Return the code of the current language."""
    locale = get_locale()
    return locale.language if locale else ENGLISH


def use_language(code: str | None) -> AbstractContextManager[None]:
    """Use this language inside a `with` block, or the default if it is not offered."""
    return force_locale(_locale(_offered(code) or _default()))


def prefer_language(code: str | None) -> None:
    """Use this language for this request, unless the visitor has chosen another one."""
    g.preferred_language = code
    refresh()


def language_choices() -> list[tuple[str, str, str]]:
    """Return code, own name and URL of each language that this page can be shown in.

    The list is empty when there is only one language. It is empty after a POST, too, because a
    link would lose what the visitor typed.
    """
    if request.method == "POST" or request.blueprint in IN_ENGLISH or len(_all()) < 2:
        return []
    here = [(name, value) for name, value in request.args.items(multi=True) if name != CHOICE]
    return [(code, _name(code), "?" + urlencode([*here, (CHOICE, code)])) for code in _all()]


def clear_session(visit: MutableMapping[str, Any]) -> None:
    """Remove everything from a session except the chosen language, at login and logout."""
    chosen = visit.get(CHOICE)
    visit.clear()
    if chosen:
        visit[CHOICE] = chosen


def fault(codes: list[str]) -> str | None:
    """Return what the setting LANGUAGES must be, or None when these codes are correct."""
    available = available_languages()
    if codes and not set(codes) - set(available):
        return None
    return f"some of {', '.join(available)}, not {', '.join(codes) or 'none'}"


def join_list(parts: Sequence[str], style: str = "standard") -> str:
    """Join parts for a sentence in the current language: "a, b and c"; style "or": "a, b or c"."""
    return format_list(parts, style, locale=get_locale())  # type: ignore[arg-type]


def _requested_language() -> str:
    """Return the language of this request, or the default outside a request."""
    if not request:
        return _default()
    if request.blueprint in IN_ENGLISH:
        return ENGLISH
    chosen = _offered(request.args.get(CHOICE)) or _offered(session.get(CHOICE))
    by_browser = (_offered(code) for code, quality in request.accept_languages if quality > 0)
    own = chosen or _offered(g.get("preferred_language"))
    return own or next(filter(None, by_browser), None) or _default()


def _set_content_language(response: Response) -> Response:
    """Set the header Content-Language of a page, and remember the chosen language."""
    if response.mimetype != "text/html":
        return response
    response.headers.setdefault("Content-Language", current_language())
    chosen = _offered(request.args.get(CHOICE))
    if chosen and session.get(CHOICE) != chosen:
        session[CHOICE] = chosen
    return response


@cache
def _name(code: str) -> str:
    """Return a language's name in that language."""
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
    """Return the language of a code like "pt-BR" if it is offered, here "pt"."""
    language = (code or "").partition("-")[0].lower()
    return language if language in _all() else None
