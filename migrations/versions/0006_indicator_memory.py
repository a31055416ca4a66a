"""The indicator store resumes from a memory beside the state: no rings, no context."""

from signalhub.db.revisions import apply

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    apply("0006_indicator_memory", "up")


def downgrade() -> None:
    apply("0006_indicator_memory", "down")
