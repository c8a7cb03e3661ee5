"""Extensions for likeness of names (pg_trgm), letters without accents (unaccent) and exclusion by ranges."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create what is not there yet; an administrator may have done it for us."""
    op.execute("create extension if not exists pg_trgm")
    op.execute("create extension if not exists unaccent")
    op.execute("create extension if not exists btree_gist")
