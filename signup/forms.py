"""The forms: fields, their limits, and messages that say what to do."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import abort, current_app, request
from flask_wtf import FlaskForm
from wtforms import EmailField, Field, PasswordField, StringField, TextAreaField
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    StopValidation,
    ValidationError,
)

from signup import addresses, characters, domains, guessing, names, passwords
from signup.csrf import SessionToken
from signup.languages import lazy_gettext

WHY_LENGTH = 1000
TEXT_LENGTH = Length(max=WHY_LENGTH, message=lazy_gettext("Use at most 1000 characters."))
# How browsers send forms.
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")

Validator = Callable[[FlaskForm, Field], None]


def sound(complaint: Callable[[str], str | None]) -> Validator:
    """Refuse what `complaint` says something about; nothing else is looked at then."""

    def validate(_: FlaskForm, field: Field) -> None:
        if found := complaint(field.data or ""):
            raise StopValidation(found)

    return validate


def mail_address(_: FlaskForm, field: Field) -> None:
    """Bring the address into the one form that is stored, compared and written to."""
    try:
        field.data = addresses.normal(field.data or "")
    except addresses.NoAddress as error:
        raise StopValidation(str(error)) from error


def wanted_domain(_: FlaskForm, field: Field) -> None:
    """Refuse domains as the settings say, before anything about accounts is looked up."""
    config = current_app.config
    lists = config["ALLOWED_DOMAINS"], config["BLOCKED_DOMAINS"]
    if complaint := domains.complaint(field.data or "", *lists):
        raise ValidationError(complaint)


def hard_to_guess(form: "ConfirmForm", field: Field) -> None:
    """Refuse a password that somebody who knows this person would soon find."""
    known = (current_app.config["SITE_NAME"], form.address, form.firstname.data, form.lastname.data)
    if complaint := guessing.complaint(field.data or "", ["Strapi", *filter(None, known)]):
        raise ValidationError(complaint)


def stripped(value: Any) -> Any:
    """Text without the white space around it."""
    return characters.stripped(value) if isinstance(value, str) else value


class Form(FlaskForm):
    """A form of ours, sent from a page of ours."""

    class Meta(FlaskForm.Meta):
        """How a form is read, and what proves where it came from."""

        csrf = True
        csrf_class = SessionToken  # type: ignore[assignment]
        # Fields that may be given several times.
        many: tuple[str, ...] = ()

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:  # noqa: ARG002 (WTForms's)
            """Read form fields alone, each given once: no JSON, no files, no `email[]`."""
            if formdata is None or request.method != "POST":
                return None
            if request.content_length and request.mimetype not in FORM_TYPES:
                abort(415)
            if not _is_text(request.get_data(), request.mimetype):
                abort(422)
            given = {name for name, values in request.form.lists() if len(values) > 1}
            if request.files or given - set(self.many) or any("[" in name for name in request.form):
                abort(400)
            return request.form

    @property
    def status(self) -> int:
        """The HTTP status to show this form with: 400 when its token was missing or old."""
        if not self.is_submitted():
            return 200
        return 400 if "csrf_token" in self.errors else 422

    @property
    def stale(self) -> bool:
        """Whether the form only has to be sent again, because its page was open too long."""
        return self.is_submitted() and "csrf_token" in self.errors


class NamesForm(Form):
    """Who somebody is."""

    firstname = StringField(
        lazy_gettext("First name"),
        filters=[stripped],
        validators=[DataRequired(lazy_gettext("Enter your first name.")), sound(names.complaint)],
    )
    lastname = StringField(
        lazy_gettext("Last name"),
        description=lazy_gettext("You may leave this empty."),
        filters=[stripped],
        validators=[sound(names.complaint)],
    )


class SignupForm(NamesForm):
    """The first step: a person and a mailbox."""

    email = EmailField(
        lazy_gettext("E-mail address"),
        description=lazy_gettext("We send a link to it, so that we know it is yours."),
        filters=[stripped],
        validators=[
            DataRequired(lazy_gettext("Enter your e-mail address.")),
            mail_address,
            wanted_domain,
        ],
    )
    # Nobody sees it, so only a program fills it in; browsers fill in no field of this name.
    subject = StringField(lazy_gettext("Leave this empty"))

    @property
    def is_trapped(self) -> bool:
        """Whether a program filled in what nobody sees."""
        return bool(self.subject.data)


class ConfirmForm(NamesForm):
    """The second step, behind the proven mailbox."""

    # The mailbox, which makes a bad password.
    address: str | None = None
    password = PasswordField(
        lazy_gettext("Password"),
        validators=[
            InputRequired(lazy_gettext("Choose a password.")),
            sound(passwords.complaint),
            hard_to_guess,
        ],
    )
    why = TextAreaField(
        lazy_gettext("Why would you like to write here?"),
        description=lazy_gettext("A person reads this and decides. At most 1000 characters."),
        filters=[stripped],
        validators=[TEXT_LENGTH, sound(characters.complaint)],
    )

    def ask_why(self, rule: str) -> None:
        """Ask for a reason, as the setting `ASK_WHY` says."""
        if rule == "off":
            del self.why
        elif rule == "required":
            self.why.validators = [
                DataRequired(lazy_gettext("Write a sentence or two.")),
                *self.why.validators,
            ]
        else:
            self.why.label.text = lazy_gettext("Why would you like to write here? (optional)")


class LoginForm(Form):
    """A super admin's Strapi credentials."""

    email = StringField(
        lazy_gettext("E-mail address"),
        validators=[DataRequired(lazy_gettext("Enter your e-mail address."))],
    )
    password = PasswordField(
        lazy_gettext("Password"), validators=[InputRequired(lazy_gettext("Enter your password."))]
    )


class ButtonForm(Form):
    """A button that changes something, and nothing to fill in."""


def _is_text(body: bytes, kind: str) -> bool:
    """Whether a form's fields are UTF-8: werkzeug would put other text in the place of bytes
    that are not, and a password must be hashed as it was typed."""
    try:
        (unquote_to_bytes(body) if kind == FORM_TYPES[0] else body).decode()
    except UnicodeDecodeError:
        return False
    return True
