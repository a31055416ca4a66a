"""The outbox: what is to be sent to whom, why, and what became of it. In the database before anything leaves."""
