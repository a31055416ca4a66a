"""The walls: market data, indicators, the engine's record."""

from signalhub.db.revisions import apply

revision = "0001"
down_revision = None


def upgrade() -> None:
    apply("0001_foundation", "up")


def downgrade() -> None:
    apply("0001_foundation", "down")
