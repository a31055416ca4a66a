"""What channels say, and when digests are made."""
