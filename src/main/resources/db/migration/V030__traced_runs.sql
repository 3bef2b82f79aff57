-- Several nodes may see that a run is over. Who tells a collector of it marks it first, so that a trace has one span of it.
ALTER TABLE dag_runs ADD COLUMN is_traced boolean;
COMMENT ON COLUMN dag_runs.is_traced IS 'true once a node has recorded the span of the run; null before, and where no node traces';
