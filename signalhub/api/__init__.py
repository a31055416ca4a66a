"""The API: Litestar controllers of two-line handlers over what the stages below read."""
