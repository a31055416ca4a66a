"""The market store: instruments, bars and their revisions, sessions, ruling bases, rollups."""
