"""The forms of the review pages: a decision about one signup, or about several."""

from flask import request
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import AnyOf

from signup.forms import TEXT_LENGTH, ButtonForm, Form, refuse_faults, stripped
from signup.i18n import lazy_gettext
from signup.validation import text


class DeclineForm(Form):
    """The reason for a decline, and whether the author is told."""

    reason = TextAreaField(
        lazy_gettext("Reason"),
        description=lazy_gettext(
            "The person reads this as you write it, in the e-mail and on their page."
        ),
        filters=[stripped],
        validators=[TEXT_LENGTH, refuse_faults(text.fault)],
    )
    tell = BooleanField(
        lazy_gettext("Tell this person: without, nobody but reviewers sees the reason"),
        default=True,
    )


class SeveralForm(DeclineForm):
    """One decision about all chosen signups."""

    class Meta(Form.Meta):
        """`authors` may come many times."""

        many = ("authors",)

    verb = StringField(
        validators=[
            AnyOf(
                ("activate", "ask", "preview", "decline", "undo"),
                message=lazy_gettext("This cannot be done here"),
            )
        ]
    )

    @property
    def author_ids(self) -> list[int]:
        """The Strapi ids of the chosen authors."""
        return request.form.getlist("authors", int)


class ActivateForm(ButtonForm):
    """The button that activates an author."""

    # Also somebody who was declined.
    after_all = BooleanField()
