"""What erasing a person clears: every column, except those that are declared as kept."""

from typing import Any, TypeVar

from peewee import ForeignKeyField

F = TypeVar("F")

KEPT = "survives_erasure"


def kept(field: F) -> F:
    """Declare that erasure leaves this field as it is: it tells nothing about the person."""
    setattr(field, KEPT, True)
    return field


def erased_values(model: Any) -> dict[Any, None]:
    """Return None for each field of `model` that is not declared as kept, for an UPDATE."""
    fields = model._meta.sorted_fields
    return dict.fromkeys(field for field in fields if not is_kept(field))


def is_kept(field: Any) -> bool:
    """Return whether erasure leaves this field as it is: ids always."""
    is_reference = field.primary_key or isinstance(field, ForeignKeyField)
    return is_reference or getattr(field, KEPT, False)
