package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.JobId;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.store.JobRepository.Planned;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Nothing comes to be for a tenant that is deleted, and all it has goes, bite by bite, whatever happens in between. */
class DeletedTenantsIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final NodeId NODE = new NodeId(IDS.next(System.currentTimeMillis()));

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private WorkRepository work;
    private TenantRepository tenants;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        work = new WorkRepository(vertx, pools.hot());
        tenants = new TenantRepository(vertx, pools.api());
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void allItHasGoesThoughTheBitesDieInBetween() throws SQLException {
        var twin = tenant("twin");
        furnish(twin);
        var before = rows();
        var doomed = tenant("doomed");
        var prefixes = furnish(doomed);
        var with = rows();
        assertThat(tablesOfTenants())
                .as("each must be furnished here")
                .allSatisfy(table -> assertThat(with.get(table)).isNotEqualTo(before.get(table)));

        await(tenants.hide("doomed"));
        var bites = 0;
        do {
            dieInABite();
            bites++;
            assertThat(bites).isLessThan(200);
        } while (await(tenants.purgeHidden(1, 0)).isAny());

        assertThat(bites).isGreaterThan(12);
        assertThat(rows()).isEqualTo(before);
        for (var table : before.keySet()) {
            assertThat(value("SELECT count(*) FROM %s t WHERE t::text ~ '%s'".formatted(table, prefixes)))
                    .as(table)
                    .isEqualTo("0");
        }
    }

    @Test
    void whatRunsIsCancelledAndWaitedForWhileOthersGo() throws SQLException {
        database.value("INSERT INTO nodes (id, name, pid, mode, version) VALUES ('" + NODE
                + "', 'n', 1, 'standalone', 'x') RETURNING id");
        var busy = tenant("busy");
        run(busy, published(busy, "works"));
        var claims = await(work.commitAndClaim(NODE, List.of(), List.of("default"), 1))
                .claims();
        var other = tenant("other");
        published(other, "idle");
        await(tenants.hide("busy"));
        await(tenants.hide("other"));

        assertThat(purge(100)).isTrue();

        assertThat(value("SELECT string_agg(name, ' ') FROM tenants WHERE id > 1"))
                .isEqualTo("busy");
        assertThat(value("SELECT state FROM dag_runs")).isEqualTo("cancelling");
        await(work.handBack(
                NODE,
                claims.stream()
                        .map(claim -> new WorkRepository.Held(claim.id(), claim.fence()))
                        .toList()));
        purge(100);
        assertThat(value("SELECT count(*) FROM tenants")).isEqualTo("1");
        assertThat(value("SELECT count(*) FROM dag_runs")).isEqualTo("0");
    }

    @Test
    void whoNoLongerLeadsDeletesNothing() {
        tenant("kept");
        await(tenants.hide("kept"));

        assertThatThrownBy(() -> await(tenants.purgeHidden(1, 7))).hasMessageContaining("epoch 7 is over");

        assertThat(value("SELECT count(*) FROM tenants")).isEqualTo("2");
    }

    @Test
    void nothingComesToBeForOneThatIsDeleted() throws SQLException {
        var gone = tenant("gone");
        var dag = published(gone, "before");
        var job = job(gone, dag);
        await(tenants.hide("gone"));

        assertThatThrownBy(() -> published(gone, "after"))
                .isInstanceOfSatisfying(
                        OrreryException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TENANT_NOT_FOUND));
        assertThatThrownBy(() -> job(gone, dag)).hasMessageContaining("is deleted");
        assertThat(run(gone, dag)).isEqualTo(new NewRun.Result.NoSuchDag());
        assertThatThrownBy(() -> await(new ExecutionRepository(vertx, pools.api())
                        .trigger(gone, job, new RunId(id()), Optional.empty(), Optional.empty())))
                .isInstanceOfSatisfying(
                        OrreryException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.JOB_NOT_FOUND));
        var kept = tenant("kept");
        job(kept, published(kept, "fires"));
        assertThat(fire()).isEqualTo(2);

        assertThat(value("SELECT string_agg(DISTINCT tenant_id::text, ' ') FROM dag_runs"))
                .isEqualTo(String.valueOf(kept.value()));
        assertThat(value("SELECT count(*) FROM job_executions WHERE tenant_id = " + gone.value()))
                .isEqualTo("0");
        assertThat(value("SELECT count(*) FROM job_timers t JOIN jobs j ON j.id = t.job_id WHERE tenant_id = "
                        + gone.value()))
                .isEqualTo("0");
    }

    @Test
    void allThatRefersToATenantAsksWhetherItIsThere() {
        assertThat(value(
                        "SELECT string_agg(tgrelid::regclass::text, ' ' ORDER BY tgrelid::regclass::text) FROM pg_trigger"
                                + " WHERE tgname = 'tenant_is_required'"))
                .isEqualTo(value("SELECT string_agg(conrelid::regclass::text, ' ' ORDER BY conrelid::regclass::text)"
                        + " FROM pg_constraint WHERE contype = 'f' AND confrelid = 'tenants'::regclass"))
                .contains("dags", "jobs", "locks", "nodes");
    }

    @Test
    void whatJustComesToBeIsWaitedFor() throws SQLException {
        var tenant = tenant("racy");
        var dag = published(tenant, "raced");
        try (var creating = database.connect()) {
            creating.setAutoCommit(false);
            try (var statement = creating.createStatement()) {
                statement.execute(
                        "SELECT * FROM create_runs(ARRAY['%s']::uuid[], ARRAY[%d], ARRAY['%s']::uuid[], '{api}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}')"
                                .formatted(id(), tenant.value(), dag));
            }
            var hiding = tenants.hide("racy");
            until("it waits", () -> waiting() == 1);
            assertThat(hiding.isComplete()).isFalse();
            creating.commit();
            assertThat(await(hiding)).isEqualTo(TenantRepository.Deletion.HIDDEN);
        }
        assertThat(value("SELECT count(*) FROM dag_runs")).isEqualTo("1");
        purge(100);
        assertThat(value("SELECT count(*) FROM dag_runs")).isEqualTo("0");
    }

    @Test
    void whatComesWhileItIsBeingDeletedIsRefused() throws SQLException {
        var tenant = tenant("racy");
        var dag = published(tenant, "raced");
        try (var hiding = database.connect()) {
            hiding.setAutoCommit(false);
            try (var statement = hiding.createStatement()) {
                statement.execute("SELECT hide_tenant('racy')");
            }
            var run = work.createRuns(List.of(newRun(tenant, dag)));
            var publication = publish(tenant, "late");
            until("both wait", () -> waiting() == 2);
            hiding.commit();
            assertThat(await(run)).containsExactly(new NewRun.Result.NoSuchDag());
            assertThatThrownBy(() -> await(publication)).hasMessageContaining("the tenant was deleted");
        }
    }

    private long waiting() {
        return Long.parseLong(
                value(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"));
    }

    /** As long as there is anything to do; answers whether attempts were asked to end. */
    private boolean purge(int rows) {
        var cancels = false;
        for (var bites = 0; bites < 100; bites++) {
            var bite = await(tenants.purgeHidden(rows, 0));
            cancels |= bite.cancelsAsked();
            if (!bite.isAny()) {
                return cancels;
            }
        }
        throw new AssertionError("100 bites were not enough");
    }

    /** A leader that is killed in the middle leaves nothing of what it began. */
    private void dieInABite() throws SQLException {
        try (var dying = database.connect();
                var statement = dying.createStatement()) {
            dying.setAutoCommit(false);
            statement.execute("SELECT purge_hidden_tenants(1)");
            dying.rollback();
        }
    }

    private TenantId tenant(String name) {
        return await(tenants.create(name, Optional.empty())).tenant().id();
    }

    /** How many rows each table has. */
    private Map<String, String> rows() throws SQLException {
        var found = new TreeMap<String, String>();
        try (var connection = database.connect();
                var statement = connection.createStatement();
                var tables = statement.executeQuery(
                        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'orrery'::regnamespace")) {
            while (tables.next()) {
                found.put(tables.getString(1), value("SELECT count(*) FROM " + tables.getString(1)));
            }
        }
        return found;
    }

    /** But for the audit log, which outlives all that it tells of. */
    private List<String> tablesOfTenants() {
        return List.of(value(
                        "SELECT string_agg(attrelid::regclass::text, ' ') FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
                                + " WHERE attname = 'tenant_id' AND c.relkind = 'r' AND c.relnamespace = 'orrery'::regnamespace"
                                + " AND c.relname <> 'audit_log'")
                .split(" "));
    }

    /** Something in every table; answers by what the ids of the tenant's rows begin, as a pattern. */
    private String furnish(TenantId tenant) throws SQLException {
        var dag = published(tenant, "furnished");
        var job = job(tenant, dag);
        var ended = ((NewRun.Result.Created) run(tenant, dag)).id();
        var waiting = ((NewRun.Result.Created) run(tenant, dag)).id();
        var event = id();
        var ids = List.of(dag.value(), job.value(), ended.value(), waiting.value(), event);
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            for (var sql : """
                    INSERT INTO run_params VALUES ('RUN', '{}');
                    INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, started_at, finished_at)
                        SELECT id, 1, 1, 'failed', 'failed', now(), now() FROM task_instances WHERE run_id = 'RUN';
                    INSERT INTO task_outputs SELECT id, 1, '1' FROM task_instances WHERE run_id = 'RUN';
                    INSERT INTO task_logs (task_id, attempt, start_offset, content)
                        SELECT id, 1, 0, 'x' FROM task_instances WHERE run_id = 'RUN';
                    INSERT INTO dead_letters SELECT id, 1, tenant_id, run_id, 'failed', 'x' FROM task_instances WHERE run_id = 'RUN';
                    INSERT INTO task_events (tenant_id, run_id, task_nos, froms, tos, attempts, fences, workers)
                        VALUES (TENANT, 'RUN', '{}', '{}', '{}', '{}', '{}', '{}');
                    DELETE FROM task_ready WHERE run_of(id) = 'RUN';
                    DELETE FROM task_wait WHERE run_of(id) = 'RUN';
                    UPDATE dag_runs SET state = 'failed', remaining = 0, completed_at = now() WHERE id = 'RUN';
                    INSERT INTO job_executions (id, tenant_id, job_id, scheduled_at) VALUES ('RUN', TENANT, 'JOB', now());
                    INSERT INTO job_skips (job_id, first_at, last_at, fires, reason) VALUES ('JOB', now(), now(), 1, 'misfire');
                    INSERT INTO job_counts (job_id) VALUES ('JOB');
                    INSERT INTO idempotency_keys (tenant_id, operation, key, request_hash, reference)
                        SELECT TENANT, 'o', 'k' || n, 'h', 'RUN' FROM generate_series(1, 3) n;
                    INSERT INTO locks (tenant_id, name) VALUES (TENANT, 'l');
                    INSERT INTO task_instances (
                            id, tenant_id, version_id, queue, priority, created_at, name, definition, source, depth)
                        SELECT single_id('EVENT', n), TENANT, 0, 'default', 5, now(), 't', '{}', 'human', 0
                        FROM generate_series(1, 3) n;
                    INSERT INTO task_ready (id, queue, latest_start, version_id, ready_at)
                        VALUES (single_id('EVENT', 1), 'default', now(), 0, now());
                    INSERT INTO task_wait (id, version_id, unmet, queue, priority)
                        VALUES (single_id('EVENT', 2), 0, 1, 'default', 5);
                    INSERT INTO task_dependencies (dependent_id, prerequisite_id)
                        VALUES (single_id('EVENT', 2), single_id('EVENT', 1));
                    INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, started_at, finished_at)
                        VALUES (single_id('EVENT', 3), 1, 1, 'succeeded', 'succeeded', now(), now());
                    INSERT INTO unique_keys (tenant_id, key, task_id) VALUES (TENANT, 'u', single_id('EVENT', 1));
                    INSERT INTO limits (tenant_id, kind, name) VALUES (TENANT, 'key', 'k'), (TENANT, 'key', 'l');
                    INSERT INTO limit_rules (tenant_id, pattern) VALUES (TENANT, 'k*');
                    INSERT INTO submitters (tenant_id, role_name) VALUES (TENANT, 'r');
                    INSERT INTO tenant_queues (tenant_id, name) VALUES (TENANT, 'q');
                    INSERT INTO event_handlers (job_id, tenant_id, event_name) VALUES ('JOB', TENANT, 'e');
                    INSERT INTO events (id, tenant_id, name, payload, received_at) VALUES ('EVENT', TENANT, 'e', '{}', now());
                    INSERT INTO event_deliveries (event_id, job_id, outcome) VALUES ('EVENT', 'JOB', 'waiting');
                    INSERT INTO webhooks (id, tenant_id, name, scheme, tolerance_ms, event_name, secrets)
                        VALUES ('EVENT', TENANT, 'w', 'github', 1, 'e', '{s}');
                    INSERT INTO letter_redrives (id, tenant_id, from_id, upto, as_of, asked_by, last_id)
                        VALUES ('EVENT', TENANT, 'EVENT', 'EVENT', now(), 'x', 'EVENT');
                    INSERT INTO letter_alert_groups VALUES (TENANT, 'f', 1, '{}', now(), now());
                    INSERT INTO nodes (id, name, pid, mode, version, tenant_id, handlers, lease_ms, token_hash)
                        VALUES ('EVENT', 'n', 0, 'remote', '', TENANT, '{h}', 1, '')
                    """.replace("RUN", ended.toString())
                    .replace("JOB", job.toString())
                    .replace("EVENT", event.toString())
                    .replace("TENANT", String.valueOf(tenant.value()))
                    .split(";")) {
                statement.execute(sql);
            }
        }
        return String.join(
                "|", ids.stream().map(id -> id.toString().substring(0, 28)).toList());
    }

    private DagId published(TenantId tenant, String name) {
        return await(publish(tenant, name)).id();
    }

    private Future<StoredDag> publish(TenantId tenant, String name) {
        var draft = new DagDraft(
                Optional.of(name),
                Optional.empty(),
                Graphs.tasks("a", "b <- a"),
                Optional.of("0 0 1 1 *"),
                DagDraft.DEFAULT_TIMEZONE);
        return new DagRepository(vertx, pools.api())
                .create(tenant, new DagId(id()), DagPublication.of(draft, "text"), Optional.empty());
    }

    /** One that is due. */
    private JobId job(TenantId tenant, DagId dag) throws SQLException {
        var job = new JobId(id());
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(
                    "INSERT INTO jobs (id, tenant_id, dag_id, name, handler_name, schedule, timezone) VALUES ('%s', %d, '%s', 'j', 'h', '@daily', 'UTC')"
                            .formatted(job, tenant.value(), dag));
            statement.execute("INSERT INTO job_timers (job_id) VALUES ('" + job + "')");
        }
        return job;
    }

    /** Fires all that is due; answers how many. */
    private int fire() {
        var fired = await(new JobRepository(vertx, pools.hot())
                .fireDue(
                        0,
                        new JobRepository.Bite(100, 1_000, java.time.Duration.ZERO),
                        due -> Future.succeededFuture(due.stream()
                                .<Planned>map(job -> new Planned.Plan(new dev.orrery.domain.job.FirePlan(
                                        job.due(), Optional.of(job.now().plusSeconds(3_600)), List.of())))
                                .toList()),
                        DeletedTenantsIT::id));
        return fired.fired();
    }

    private NewRun.Result run(TenantId tenant, DagId dag) {
        return await(work.createRuns(List.of(newRun(tenant, dag)))).getFirst();
    }

    private static NewRun newRun(TenantId tenant, DagId dag) {
        return new NewRun(
                new RunId(id()), tenant, dag, Trigger.API, Optional.empty(), Optional.empty(), Optional.empty());
    }

    private String value(String sql) {
        return database.value(sql);
    }

    private static UUID id() {
        return IDS.next(System.currentTimeMillis());
    }
}
