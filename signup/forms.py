"""The public forms and the login: their fields, and messages that say how to correct them."""

from collections.abc import Callable, Mapping
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

from models.strapi.errors import NameFault
from signup.csrf import SessionToken
from signup.i18n import lazy_gettext
from signup.validation import domains, email, names, password_rules, password_strength, text

MAX_TEXT = 1000
TEXT_LENGTH = Length(max=MAX_TEXT, message=lazy_gettext("Use at most 1000 characters."))
# The content types in which browsers send forms.
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")

Validator = Callable[[FlaskForm, Field], None]


def refuse_faults(find_fault: Callable[[str], str | None]) -> Validator:
    """Return a validator that refuses text in which `find_fault` finds a fault.

    Later validators of the field do not run then.
    """

    def validate(_: FlaskForm, field: Field) -> None:
        if fault := find_fault(field.data or ""):
            raise StopValidation(fault)

    return validate


def normalize_email(_: FlaskForm, field: Field) -> None:
    """Replace the email by its normalized form, or refuse it."""
    try:
        field.data = email.normalize(field.data or "")
    except email.InvalidEmail as error:
        raise StopValidation(str(error)) from error


def allowed_domain(_: FlaskForm, field: Field) -> None:
    """Refuse an email whose domain the settings ALLOWED_DOMAINS or BLOCKED_DOMAINS exclude."""
    config = current_app.config
    lists = config["ALLOWED_DOMAINS"], config["BLOCKED_DOMAINS"]
    if fault := domains.fault(field.data or "", *lists):
        raise ValidationError(fault)


def hard_to_guess(form: "ConfirmForm", field: Field) -> None:
    """Refuse a password that is easy to guess for somebody who knows this person."""
    person = form.signup_email, form.firstname.data, form.lastname.data
    known = filter(None, (current_app.config["SITE_NAME"], *person))
    if fault := password_strength.fault(field.data or "", ["Strapi", *known]):
        raise ValidationError(fault)


def tidy_name(value: Any) -> Any:
    """Return a name as it is stored, and other values as they are."""
    return names.tidy(value) if isinstance(value, str) else value


def stripped(value: Any) -> Any:
    """Return text without the white space before and after it, and other values as they are."""
    return text.strip_spaces(value) if isinstance(value, str) else value


class Form(FlaskForm):
    """A form that only our own pages can send."""

    class Meta(FlaskForm.Meta):
        """How a form is read and protected."""

        csrf = True
        csrf_class = SessionToken  # type: ignore[assignment]
        # Names of fields that a form may have several times.
        many: tuple[str, ...] = ()

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:  # noqa: ARG002 (WTForms's)
            """Return the form's fields, each sent once. JSON, files and `email[]` are refused."""
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
        """The HTTP status of the page with this form: 400 when its token was missing or old."""
        if not self.is_submitted():
            return 200
        return 400 if "csrf_token" in self.errors else 422

    @property
    def stale(self) -> bool:
        """Whether the token was missing or old, so that sending the form again is enough."""
        return self.is_submitted() and "csrf_token" in self.errors


def firstname_field() -> StringField:
    """Return the field for a first name, which is required."""
    required = DataRequired(lazy_gettext("Enter your first name."))
    return StringField(
        lazy_gettext("First name"),
        filters=[tidy_name],
        validators=[required, refuse_faults(names.fault)],
    )


def lastname_field() -> StringField:
    """Return the field for a last name, which may be empty."""
    return StringField(
        lazy_gettext("Last name"),
        description=lazy_gettext("You may leave this empty."),
        filters=[tidy_name],
        validators=[refuse_faults(names.fault)],
    )


class SignupForm(Form):
    """The signup form. The page shows the fields, and their errors, in this order."""

    firstname = firstname_field()
    lastname = lastname_field()
    email = EmailField(
        lazy_gettext("E-mail address"),
        description=lazy_gettext("We send a link to it, so that we know it is yours."),
        filters=[stripped],
        validators=[
            DataRequired(lazy_gettext("Enter your e-mail address.")),
            normalize_email,
            allowed_domain,
        ],
    )
    # The honeypot. People do not see it, and browsers do not fill in a field of this name.
    subject = StringField(lazy_gettext("Leave this empty"))

    @property
    def honeypot_filled(self) -> bool:
        """Whether a program filled in the field that people do not see."""
        return bool(self.subject.data)


class ConfirmForm(Form):
    """The form behind the link. The page shows the fields, and their errors, in this order."""

    # The email that the link proves. A password must not contain it.
    signup_email: str | None = None
    password = PasswordField(
        lazy_gettext("Password"),
        validators=[
            InputRequired(lazy_gettext("Choose a password.")),
            refuse_faults(password_rules.fault),
            hard_to_guess,
        ],
    )
    firstname = firstname_field()
    lastname = lastname_field()
    motivation = TextAreaField(
        lazy_gettext("Why would you like to write here?"),
        name="why",
        description=lazy_gettext("A person reads this and decides. At most 1000 characters."),
        filters=[stripped],
        validators=[TEXT_LENGTH, refuse_faults(text.fault)],
    )

    def set_motivation_rule(self, rule: str) -> None:
        """Drop the motivation, require it or leave it optional, as the setting ASK_WHY says."""
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

    def refuse_names(self, faults: Mapping[str, NameFault]) -> None:
        """Add a message to each field whose name Strapi's database cannot hold."""
        for field, fault in faults.items():
            self[field].errors = [names.not_storable(*fault)]

    @property
    def answers(self) -> dict[str, Any]:
        """What was typed into each field but the password, by field name; None for nothing."""
        others = ("password", "csrf_token")
        # ASK_WHY=off deletes the field "motivation".
        typed = {"motivation": None, **self.data}
        return {name: value or None for name, value in typed.items() if name not in others}


class LoginForm(Form):
    """A super admin's email and password in Strapi."""

    email = StringField(
        lazy_gettext("E-mail address"),
        validators=[DataRequired(lazy_gettext("Enter your e-mail address."))],
    )
    password = PasswordField(
        lazy_gettext("Password"), validators=[InputRequired(lazy_gettext("Enter your password."))]
    )


class ButtonForm(Form):
    """A form of a button and nothing to fill in."""


def _is_text(body: bytes, content_type: str) -> bool:
    """Return whether a form's fields are valid UTF-8.

    Werkzeug would replace invalid bytes, but a password must be hashed as it was typed.
    """
    try:
        (unquote_to_bytes(body) if content_type == FORM_TYPES[0] else body).decode()
    except UnicodeDecodeError:
        return False
    return True
