-- Purpose: the plain rollup tables go with their schema.

DROP SCHEMA market CASCADE;
