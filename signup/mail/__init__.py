"""Compose and send the emails in the outbox."""
