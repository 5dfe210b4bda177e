"""Reviewers: passwords, sessions, and the emails that tell them who waits."""
