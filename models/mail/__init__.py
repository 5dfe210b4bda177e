"""The outbox, and the emails that nothing is sent to."""
