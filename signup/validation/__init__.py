"""Rules for what people type into forms. A function `fault` returns a message, or None."""
