"""A kept answer keeps the order of its fields, so that a repetition is answered byte for byte as the first request.

`jsonb` sorts the keys of an object; `json` keeps the text.
"""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Keep the text."""
    op.execute("alter table idempotency alter column body type json using body::json")
