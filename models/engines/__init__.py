"""Engines: SQLite, PostgreSQL and MySQL, and the few things that each does in its own way."""

from models.engines.address import file_of, server_of, shown
from models.engines.engine import Columns, Engine, Unavailable
from models.engines.mysql import MySQL
from models.engines.postgresql import PostgreSQL
from models.engines.sqlite import SQLite

__all__ = [
    "Columns",
    "Engine",
    "MySQL",
    "PostgreSQL",
    "SQLite",
    "Unavailable",
    "file_of",
    "server_of",
    "shown",
]
