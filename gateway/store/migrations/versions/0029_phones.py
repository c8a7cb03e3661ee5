"""Phones of the embedded exchange: what proves that a phone is an extension's own.

The password itself is never kept, only what SIP's digest compares (RFC 2617, RFC 7616).
"""

from alembic import op

revision = "0029"
down_revision = "0028"

TABLES = """
create table phone (
    pbx text not null,
    endpoint text not null,
    extension text not null,
    ha1 text not null check (ha1 ~ '^[0-9a-f]{32}$'),
    ha1_sha256 text not null check (ha1_sha256 ~ '^[0-9a-f]{64}$'),
    changed_at timestamptz not null default now(),
    primary key (pbx, endpoint)
)
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, (piece.strip() for piece in TABLES.split(";\n"))):
        op.execute(statement)
