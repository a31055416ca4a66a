"""The market store: what is known about the bars."""

from signalhub.db.revisions import apply

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    apply("0004_market_store", "up")


def downgrade() -> None:
    apply("0004_market_store", "down")
