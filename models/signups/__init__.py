"""Signups: a module for each step, from the form to the decision."""
