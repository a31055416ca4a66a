"""The service: people, what is sent to them, and what ran when."""

from signalhub.db.revisions import apply

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    apply("0002_service", "up")


def downgrade() -> None:
    apply("0002_service", "down")
