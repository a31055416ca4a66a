"""Strategies: named rules, one file each behind `base.py`."""
