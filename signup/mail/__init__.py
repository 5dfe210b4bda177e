"""Compose and send the emails of the outbox."""
