"""Subscribers: people, their keys, what they are entitled to and what they want."""
