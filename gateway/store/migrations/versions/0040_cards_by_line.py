"""Cards of a line of business, as those of a town are found: in a company of two million cards one in thirty has it.

The heat stands beside it, for hot clients of a line are what is asked for; without it each card of the line was read.
"""

from alembic import op

revision = "0040"
down_revision = "0039"

STATEMENTS = (
    "create index contact_line on contact (lower(line_of_business), heat, id desc)"
    " where line_of_business <> '' and merged_into is null",
)


def upgrade() -> None:
    """Make the index."""
    for statement in STATEMENTS:
        op.execute(statement)
