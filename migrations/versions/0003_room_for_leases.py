"""Room for leases: claiming a message touches no index."""

from signalhub.db.revisions import apply

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    apply("0003_room_for_leases", "up")


def downgrade() -> None:
    apply("0003_room_for_leases", "down")
