"""How far indicators reach."""

ORDINAL_MOST = 1_000
"""Up to here bars are counted: no indicator warms up longer, and a bar filled in before stays without effect on it."""
ANCHOR_BARS = 500
"""So many bar spans after the last one a state is kept for good."""
