"""The database fixtures, for this folder."""

from tests.database import database, postgres

__all__ = ["database", "postgres"]
