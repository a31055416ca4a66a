-- Purpose: the role signalhub_analyst reads the public interface and nothing else. Run again at every change.
DO $$
BEGIN
    IF to_regrole('signalhub_analyst') IS NULL THEN
        CREATE ROLE signalhub_analyst NOLOGIN;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'no right to create the role signalhub_analyst: ask the database owner to create it';
    WHEN duplicate_object OR unique_violation THEN
        NULL;
END
$$;
DO $$
BEGIN
    IF to_regrole('signalhub_analyst') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA analytics, ta TO signalhub_analyst;
        GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO signalhub_analyst;
    END IF;
END
$$;
