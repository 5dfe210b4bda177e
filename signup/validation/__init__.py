"""Rules for what people type into the forms."""
