-- Purpose: packs outbox.messages as tightly as before.

ALTER TABLE outbox.messages SET (fillfactor = 70);
