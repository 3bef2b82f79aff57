-- The runs of a trace.
CREATE INDEX run_traces_of_trace ON run_traces (substr(traceparent, 4, 32), run_id);
