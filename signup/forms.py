"""The forms: fields, their limits, and messages that say what to do."""

import unicodedata
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import abort, current_app, request
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, Field, PasswordField, StringField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, Optional, ValidationError

from models.passwords import MAX_BYTES
from signup import domains

# What Strapi's columns hold (varchar(255)), and what fits a list of people.
NAME_LENGTH = 64
WHY_LENGTH = 1000
# Control, private, unassigned and line-breaking characters; invisible and bidirectional ones.
UNWANTED = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Cf"}
# How browsers send forms.
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
# The two joiners, which Persian and Indian names are written with.
JOINERS = "\u200c\u200d"


def plain(_: FlaskForm, field: Field) -> None:
    """Refuse characters that cannot be seen, or that turn text around."""
    if not is_plain(field.data or ""):
        raise ValidationError("Remove the characters that cannot be seen, then try again.")


def is_plain(text: str) -> bool:
    """Whether every character of `text` can be seen, joins letters, or ends a line."""
    return visible(text) == text


def visible(text: str) -> str:
    """`text` without the characters that cannot be seen, or that turn text around."""
    return "".join(
        character
        for character in text
        if unicodedata.category(character) not in UNWANTED or character in JOINERS + "\r\n"
    )


def one_line(_: FlaskForm, field: Field) -> None:
    """Refuse line breaks, and more bytes than Strapi's column is made for."""
    if "\n" in (field.data or "") or "\r" in (field.data or ""):
        raise ValidationError("Write this on one line.")
    if len((field.data or "").encode(errors="replace")) > 255:
        raise ValidationError("This is too long. Shorten it, please.")


def mail_address(_: FlaskForm, field: Field) -> None:
    """Bring the address into the one form that is stored, compared and written to."""
    try:
        checked = validate_email(field.data or "", check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValidationError("Enter an e-mail address like name@example.com.") from error
    field.data = (checked.ascii_email or "").lower()


def wanted_domain(_: FlaskForm, field: Field) -> None:
    """Refuse domains as the settings say, before anything about accounts is looked up."""
    config = current_app.config
    lists = config["ALLOWED_DOMAINS"], config["BLOCKED_DOMAINS"]
    if complaint := domains.complaint(field.data or "", *lists):
        raise ValidationError(complaint)


def strapi_password(_: FlaskForm, field: Field) -> None:
    """Strapi's own rules (packages/core/admin/shared/validation): it would refuse others."""
    password = field.data or ""
    if len(password.encode(errors="replace")) > MAX_BYTES:
        raise ValidationError("This password is too long. Use at most 72 letters or digits.")
    try:
        password.encode()
    except UnicodeEncodeError as error:
        raise ValidationError("Use characters that can be typed again.") from error
    wanted = {
        "at least 8 characters": len(password) >= 8,
        "a lower-case letter": any("a" <= c <= "z" for c in password),
        "an upper-case letter": any("A" <= c <= "Z" for c in password),
        "a digit": any("0" <= c <= "9" for c in password),
    }
    if missing := [what for what, there in wanted.items() if not there]:
        raise ValidationError(f"The password still needs {' and '.join(missing)}.")


def stripped(value: Any) -> Any:
    """Text without the white space around it."""
    return value.strip() if isinstance(value, str) else value


class Form(FlaskForm):
    """A form whose token lives as long as its session."""

    class Meta(FlaskForm.Meta):
        """Flask-WTF's own limit would be an hour."""

        csrf_time_limit = None
        # Fields that may be given several times.
        many: tuple[str, ...] = ()

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:  # noqa: ARG002 (WTForms's)
            """Read form fields alone, each given once: no JSON, no files (T05, T75)."""
            if formdata is None or request.method != "POST":
                return None
            if request.content_length and request.mimetype not in FORM_TYPES:
                abort(415)
            given = {name for name, values in request.form.lists() if len(values) > 1}
            if request.files or given - set(self.many):
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
        "First name",
        filters=[stripped],
        validators=[
            DataRequired("Enter your first name."),
            Length(max=NAME_LENGTH, message="Use at most 64 characters for the first name."),
            plain,
            one_line,
        ],
    )
    lastname = StringField(
        "Last name",
        description="You may leave this empty.",
        filters=[stripped],
        validators=[
            Optional(),
            Length(max=NAME_LENGTH, message="Use at most 64 characters for the last name."),
            plain,
            one_line,
        ],
    )


class SignupForm(NamesForm):
    """The first step: a person and a mailbox."""

    email = EmailField(
        "E-mail address",
        description="We send a link to it, so that we know it is yours.",
        filters=[stripped],
        validators=[DataRequired("Enter your e-mail address."), mail_address, wanted_domain],
    )


class ConfirmForm(NamesForm):
    """The second step, behind the proven mailbox."""

    password = PasswordField(
        "Password",
        validators=[InputRequired("Choose a password."), strapi_password],
    )
    why = TextAreaField(
        "Why would you like to write here?",
        description="A person reads this and decides. At most 1000 characters.",
        filters=[stripped],
        validators=[
            Length(max=WHY_LENGTH, message="Use at most 1000 characters."),
            plain,
        ],
    )

    def ask_why(self, rule: str) -> None:
        """Ask for a reason, as the setting `ASK_WHY` says."""
        if rule == "off":
            del self.why
        elif rule == "required":
            self.why.validators = [DataRequired("Write a sentence or two."), *self.why.validators]
        else:
            self.why.label.text += " (optional)"


class LoginForm(Form):
    """A super admin's Strapi credentials."""

    email = StringField("E-mail address", validators=[DataRequired("Enter your e-mail address.")])
    password = PasswordField("Password", validators=[InputRequired("Enter your password.")])


class DeclineForm(Form):
    """Why somebody is not wanted, and whether they hear of it."""

    reason = TextAreaField(
        "Reason",
        description="The person reads this as you write it, in the e-mail and on their page.",
        filters=[stripped],
        validators=[Length(max=WHY_LENGTH, message="Use at most 1000 characters."), plain],
    )
    tell = BooleanField(
        "Tell this person: without, nobody but reviewers sees the reason", default=True
    )


class SeveralForm(DeclineForm):
    """The same decision about all who were chosen."""

    class Meta(Form.Meta):
        """Each of them is an `authors`."""

        many = ("authors",)

    verb = StringField(
        "Decision", validators=[AnyOf(("activate", "ask", "preview", "decline", "undo"))]
    )

    @property
    def author_ids(self) -> list[int]:
        """The ids in Strapi of those who were chosen."""
        return request.form.getlist("authors", int)


class ButtonForm(Form):
    """A button that changes something, and nothing to fill in."""


class ActivateForm(ButtonForm):
    """Let somebody in, even after a decline where that is meant."""

    after_all = BooleanField()
