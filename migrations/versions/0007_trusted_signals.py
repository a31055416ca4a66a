"""Signals that can be trusted: levels and size, validity, the ledger, trials of backtests."""

from signalhub.db.revisions import apply

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    apply("0007_trusted_signals", "up")


def downgrade() -> None:
    apply("0007_trusted_signals", "down")
