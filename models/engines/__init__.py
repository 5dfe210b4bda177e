"""The database engines, SQLite, PostgreSQL and MySQL, and where each differs from the others."""

from models.engines.engine import Column, Columns, Engine, Unavailable
from models.engines.mysql import MySQL
from models.engines.postgresql import PostgreSQL
from models.engines.sqlite import SQLite
from models.engines.urls import file_from_url, server_from_url, without_credentials

__all__ = [
    "Column",
    "Columns",
    "Engine",
    "MySQL",
    "PostgreSQL",
    "SQLite",
    "Unavailable",
    "file_from_url",
    "server_from_url",
    "without_credentials",
]
