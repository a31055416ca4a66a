"""The command line: thin commands by area over the jobs."""
