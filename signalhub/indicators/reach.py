"""How far indicators look."""

CONTEXT = 220
"""Bars that a stretch of history is computed with before its anchor: more than any value looks back."""
FRAME = 20
"""Bars that the longest frame holds; so many are kept beside the state for the next bar."""
ANCHOR_BARS = 500
"""So many bar spans after the last one a state is kept for good."""
