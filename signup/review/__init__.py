"""The super admins' pages: log in with Strapi's own credentials, see who waits, decide."""

from flask import Flask

from signup.review import decisions, desk, door


def init_app(app: Flask) -> None:
    """Add the review pages."""
    for pages in (door.door, desk.review, decisions.review):
        app.register_blueprint(pages)
