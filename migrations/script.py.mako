"""${message}"""

from signalhub.db.revisions import apply

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    apply("${up_revision}_${message}", "up")


def downgrade() -> None:
    apply("${up_revision}_${message}", "down")
