package dev.orrery.store;

import java.util.List;

/** What should hold of the server and its schema, beside what the node refuses at its start; as in {@link DoctorChecks}. */
final class ServerExamination {

    static final List<DoctorChecks.Check> ALL = List.of(
            new DoctorChecks.Check(
                    "indexes",
                    "every index is whole; without one, what it is for takes ever longer",
                    "REINDEX INDEX CONCURRENTLY orrery.NAME",
                    DoctorChecks.Parts.NONE,
                    """
                    SELECT c.relname || CASE WHEN x.indisready THEN ' is not valid' ELSE ' is not ready' END
                    FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
                    WHERE c.relnamespace = 'orrery'::regnamespace AND NOT (x.indisvalid AND x.indisready)
                    """),
            new DoctorChecks.Check(
                    "old-transactions",
                    "no transaction is older than five minutes: as long as one lasts, PostgreSQL keeps what was claimed since,"
                            + " and claims get slower",
                    "end it (SELECT pg_terminate_backend(PID)), or let its program commit sooner; a backup goes by itself",
                    DoctorChecks.Parts.NONE,
                    """
                    SELECT 'pid ' || a.pid || coalesce(' of ' || nullif(a.application_name, ''), '') || ', ' || coalesce(a.state, '?')
                           || ', since ' || date_trunc('second', clock_timestamp() - a.xact_start)
                    FROM pg_stat_activity a
                    WHERE a.xact_start < clock_timestamp() - interval '5 minutes' AND a.pid <> pg_backend_pid()
                      AND (a.datname = current_database() OR a.datname IS NULL)
                      AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
                    """),
            new DoctorChecks.Check(
                    "prepared-transactions",
                    "no prepared transaction was forgotten: it holds its locks for ever",
                    "COMMIT PREPARED or ROLLBACK PREPARED 'NAME', whichever its program meant",
                    DoctorChecks.Parts.NONE,
                    """
                    SELECT p.gid || ', since ' || p.prepared FROM pg_prepared_xacts p
                    WHERE p.database = current_database() AND p.prepared < clock_timestamp() - interval '5 minutes'
                    """),
            new DoctorChecks.Check(
                    "replication-slots",
                    "no replication slot that nobody reads holds back rows or the log of the server, which fills its disk",
                    "start what reads it, or SELECT pg_drop_replication_slot('NAME')",
                    DoctorChecks.Parts.NONE,
                    """
                    SELECT s.slot_name || ' is not read' FROM pg_replication_slots s WHERE NOT s.active
                    """),
            new DoctorChecks.Check(
                    "dead-rows",
                    "the server puts away what was deleted: where dead rows are many and far more than live ones, claims and"
                            + " commits get slow",
                    "see whether autovacuum runs and what holds it back (the checks old-transactions and replication-slots),"
                            + " then VACUUM the table",
                    DoctorChecks.Parts.NONE,
                    """
                    SELECT t.relname || ' has ' || t.n_dead_tup || ' dead rows and ' || t.n_live_tup || ' live ones'
                    FROM pg_stat_user_tables t
                    WHERE t.schemaname = 'orrery' AND t.n_dead_tup > 1000000 AND t.n_dead_tup > 3 * t.n_live_tup
                    """),
            new DoctorChecks.Check(
                    "transaction-ids",
                    "the server has numbers left for transactions: without, it takes no more writes",
                    "VACUUM FREEZE the database, and end what holds autovacuum back",
                    DoctorChecks.Parts.NONE,
                    """
                    SELECT d.datname || ' is ' || age(d.datfrozenxid) || ' transactions behind' FROM pg_database d
                    WHERE d.datname = current_database() AND age(d.datfrozenxid) > 1500000000
                    """),
            new DoctorChecks.Check(
                    "connections",
                    "the server has connections left",
                    "raise max_connections, or lower database.pool-size of the nodes",
                    DoctorChecks.Parts.NONE,
                    """
                    SELECT c.used || ' of ' || current_setting('max_connections') || ' connections are in use'
                    FROM (SELECT count(*) AS used FROM pg_stat_activity a WHERE a.backend_type = 'client backend') c
                    WHERE c.used > 0.9 * current_setting('max_connections')::int
                    """),
            new DoctorChecks.Check(
                    "nodes",
                    "a node works here, and none is silent",
                    "start a node ('orrery node'); one that is silent is given up by the others within seconds",
                    DoctorChecks.Parts.NONE,
                    """
                    SELECT 'node ' || n.name || ' (' || n.id || ') is silent since ' || n.beat_at FROM nodes n
                    WHERE n.fenced_at IS NULL AND n.mode <> 'remote' AND n.beat_at < clock_timestamp() - interval '1 minute'
                    UNION ALL
                    SELECT 'no node works' WHERE NOT EXISTS (
                        SELECT FROM nodes n WHERE n.fenced_at IS NULL AND n.mode <> 'remote'
                          AND n.beat_at >= clock_timestamp() - interval '1 minute')
                    """));

    private ServerExamination() {}
}
