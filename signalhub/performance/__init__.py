"""What became of the signals, and what would have become of those that history would have given."""
