"""The desk's forms: a decision, about one signup or several."""

from flask import request
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import AnyOf

from signup.forms import TEXT_LENGTH, ButtonForm, Form, refuse_faults, stripped
from signup.i18n import lazy_gettext
from signup.validation import text


class DeclineForm(Form):
    """Why somebody is not wanted, and whether they hear of it."""

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
    """The same decision about all who were chosen."""

    class Meta(Form.Meta):
        """Each of them is an `authors`."""

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
        """The ids in Strapi of those who were chosen."""
        return request.form.getlist("authors", int)


class ActivateForm(ButtonForm):
    """Let somebody in, even after a decline where that is meant."""

    after_all = BooleanField()
