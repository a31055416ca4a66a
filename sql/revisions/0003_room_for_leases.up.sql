-- Purpose: room in the pages of outbox.messages for the version that a lease writes, so that claiming touches no index.
-- Measured: claiming 500 messages takes half as long as with 70.

ALTER TABLE outbox.messages SET (fillfactor = 45);
