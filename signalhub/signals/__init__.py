"""Signals: snapshots evaluated by strategies, with levels, score, reason and provenance, stored by identity."""
