"""Every word of every page and email can be translated."""

import re

from babel.support import NullTranslations
from playwright.sync_api import Browser

from signup import i18n
from tests.support.page_states import REASON, STATES, WAITING, page_states
from tests.support.smtp_server import text


class Marking(NullTranslations):
    """Translations that put each text between brackets."""

    def ugettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ungettext(self, singular: str, plural: str, num: int) -> str:
        return f"⟦{singular if num == 1 else plural}⟧"


class MarkingCatalogues(i18n.Catalogues):
    def get_translations(self) -> NullTranslations:
        return Marking()


# The text of a page, also in its title and for screen readers.
TEXT = """() => {
  const texts = [document.title];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walk.nextNode();) texts.push(node.data);
  for (const each of document.body.querySelectorAll('*'))
    for (const name of ['aria-label', 'placeholder', 'alt', 'title'])
      texts.push(each.getAttribute(name));
  return texts.filter(Boolean).join('');
}"""
# What has no translation: names of languages, quotations, and code.
QUOTED = "[hreflang], blockquote, code, textarea, script, style, [lang=en]:not(html)"
PEOPLE = [word for row in WAITING for word in row if isinstance(word, str) and word]
NAMES = ["The Magazine", REASON, "Ada", "Lovelace", *PEOPLE]


def untranslated(said: str) -> list[str]:
    """The words outside the brackets, but for names, emails, URLs and numbers."""
    while said != (inner := re.sub(r"⟦[^⟦⟧]*⟧", " ", said)):
        said = inner
    said = re.sub(r"https?://\S+|[\w.*+-]+@[\w.-]+\w", " ", said)
    for name in sorted(NAMES, key=len, reverse=True):
        said = said.replace(name, " ")
    return re.findall(r"[^\W\d_]{2,}", said)


def test_no_word_of_any_page_or_email_is_left_untranslated(browser: Browser) -> None:
    page = browser.new_page()
    left: dict[str, list[str]] = {}
    with page_states(page, catalogues=MarkingCatalogues()) as states:  # type: ignore[no-untyped-call]
        states.log_in()
        for name, show in STATES.items():
            show(states)
            page.evaluate(f"document.querySelectorAll('{QUOTED}').forEach((each) => each.remove())")
            said = page.evaluate(TEXT)
            assert "⟦" in said, name
            left[name] = untranslated(said)
        emails = states.service.mail.messages
        for email in emails:
            left[str(email["Subject"])] = untranslated(f"{email['Subject']}\n{text(email)}")
    assert {name: words for name, words in left.items() if words} == {}
    assert len(emails) > 20
    page.close()


def test_the_search_for_untranslated_words_finds_one() -> None:
    assert untranslated("⟦Hello ⟦2 days⟧ there⟧ Ada, ada@example.org · Log in") == ["Log", "in"]
