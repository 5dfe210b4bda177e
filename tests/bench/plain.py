"""The framework's limit: the least that Flask does, and the least that a Flask-WTF form does."""

import secrets

from flask import Flask, render_template_string
from flask_wtf import FlaskForm
from wtforms import EmailField, StringField
from wtforms.validators import DataRequired

PAGE = """<!doctype html><html lang="en"><title>Apply</title><h1>Apply</h1><form method="post">
{{ form.csrf_token }}
{{ form.firstname.label }} {{ form.firstname() }} {{ form.lastname.label }} {{ form.lastname() }}
{{ form.email.label }} {{ form.email() }}
<button>Send</button></form></html>"""


class PersonForm(FlaskForm):
    """The fields that our own form has."""

    firstname = StringField("First name", validators=[DataRequired()])
    lastname = StringField("Last name")
    email = EmailField("E-mail address", validators=[DataRequired()])


def constant() -> Flask:
    """A page that is always the same string."""
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "<!doctype html><title>Apply</title><h1>Apply</h1>")
    return app


def form() -> Flask:
    """A page with a form."""
    app = Flask(__name__)
    app.secret_key = secrets.token_hex(32)
    app.add_url_rule("/", view_func=show)
    return app


def show() -> str:
    """The form, as Flask-WTF's documentation has it."""
    return render_template_string(PAGE, form=PersonForm())  # type: ignore[no-untyped-call]
