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

from signup.csrf import SessionToken
from signup.i18n import lazy_gettext
from signup.validation import domains, email, names, password_rules, password_strength, text

MAX_TEXT = 1000
TEXT_LENGTH = Length(max=MAX_TEXT, message=lazy_gettext("Use at most 1000 characters."))
# How browsers send forms.
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")

Validator = Callable[[FlaskForm, Field], None]


def sound(fault: Callable[[str], str | None]) -> Validator:
    """Refuse what `complaint` says something about; nothing else is looked at then."""

    def validate(_: FlaskForm, field: Field) -> None:
        if found := fault(field.data or ""):
            raise StopValidation(found)

    return validate


def valid_email(_: FlaskForm, field: Field) -> None:
    """Bring the address into the one form that is stored, compared and written to."""
    try:
        field.data = email.normal(field.data or "")
    except email.InvalidEmail as error:
        raise StopValidation(str(error)) from error


def allowed_domain(_: FlaskForm, field: Field) -> None:
    """Refuse domains as the settings say, before anything about accounts is looked up."""
    config = current_app.config
    lists = config["ALLOWED_DOMAINS"], config["BLOCKED_DOMAINS"]
    if fault := domains.fault(field.data or "", *lists):
        raise ValidationError(fault)


def hard_to_guess(form: "ConfirmForm", field: Field) -> None:
    """Refuse a password that somebody who knows this person would soon find."""
    known = (current_app.config["SITE_NAME"], form.address, form.firstname.data, form.lastname.data)
    if fault := password_strength.fault(field.data or "", ["Strapi", *filter(None, known)]):
        raise ValidationError(fault)


def stripped(value: Any) -> Any:
    """Text without the white space around it."""
    return text.stripped(value) if isinstance(value, str) else value


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
        validators=[DataRequired(lazy_gettext("Enter your first name.")), sound(names.fault)],
    )
    lastname = StringField(
        lazy_gettext("Last name"),
        description=lazy_gettext("You may leave this empty."),
        filters=[stripped],
        validators=[sound(names.fault)],
    )


class SignupForm(NamesForm):
    """The first step: a person and a mailbox."""

    email = EmailField(
        lazy_gettext("E-mail address"),
        description=lazy_gettext("We send a link to it, so that we know it is yours."),
        filters=[stripped],
        validators=[
            DataRequired(lazy_gettext("Enter your e-mail address.")),
            valid_email,
            allowed_domain,
        ],
    )
    # Nobody sees it, so only a program fills it in; browsers fill in no field of this name.
    subject = StringField(lazy_gettext("Leave this empty"))

    @property
    def honeypot_filled(self) -> bool:
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
            sound(password_rules.fault),
            hard_to_guess,
        ],
    )
    motivation = TextAreaField(
        lazy_gettext("Why would you like to write here?"),
        name="why",
        description=lazy_gettext("A person reads this and decides. At most 1000 characters."),
        filters=[stripped],
        validators=[TEXT_LENGTH, sound(text.fault)],
    )

    def set_motivation_rule(self, rule: str) -> None:
        """Ask for a reason, as the setting `ASK_WHY` says."""
        if rule == "off":
            del self.motivation
        elif rule == "required":
            self.motivation.validators = [
                DataRequired(lazy_gettext("Write a sentence or two.")),
                *self.motivation.validators,
            ]
        else:
            self.motivation.label.text = lazy_gettext(
                "Why would you like to write here? (optional)"
            )


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
