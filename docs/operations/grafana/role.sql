-- The login that Grafana reads the schema analytics with: run by psql as the database's owner, after `migrate`, as often
-- as you like. Its password comes from GRAFANA_DB_PASSWORD in psql's environment.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
\getenv password GRAFANA_DB_PASSWORD
SELECT 'CREATE ROLE signalhub_grafana' WHERE to_regrole('signalhub_grafana') IS NULL \gexec
ALTER ROLE signalhub_grafana LOGIN PASSWORD :'password';
ALTER ROLE signalhub_grafana SET default_transaction_read_only = on;
ALTER ROLE signalhub_grafana SET statement_timeout = '30s';
GRANT signalhub_analyst TO signalhub_grafana;
