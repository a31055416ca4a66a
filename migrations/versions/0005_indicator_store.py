"""The indicator store in full: all columns, their states, and rings for the next bar."""

from signalhub.db.revisions import apply

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    apply("0005_indicator_store", "up")


def downgrade() -> None:
    apply("0005_indicator_store", "down")
