-- Purpose: takes the walls down again, data and all. Only for an empty or throw-away database.

DROP SCHEMA analytics CASCADE;
DROP SCHEMA engine CASCADE;
DROP SCHEMA ta CASCADE;
