"""Channels: how messages leave the house, one file each behind `base.py`; they pull from the outbox."""
