"""The review pages, where super admins log in with their Strapi password and decide."""

from flask import Flask

from signup.review import decisions, login, queue


def init_app(app: Flask) -> None:
    """Add the review pages."""
    for blueprint in (login.pages, queue.pages, decisions.pages):
        app.register_blueprint(blueprint)
