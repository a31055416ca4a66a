"""The service: pipeline and edge processes under one supervisor, and what each part does in a loop."""
