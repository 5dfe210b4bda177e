"""The web service: pages, API, emails, commands and settings."""
