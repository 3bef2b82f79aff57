package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.store.DagPublication;
import dev.orrery.store.DagRepository;
import dev.orrery.store.DagRunRepository;
import dev.orrery.store.JobRepository;
import dev.orrery.store.JobRepository.Bite;
import dev.orrery.store.Pools;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class JobFiringIT {

    private static final TenantId TENANT = TenantId.DEFAULT;
    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final String YEARLY = "0 0 1 1 *";

    /** The server ends the session of whoever prepares a fire and then waits for longer than two seconds. */
    private static final String SOON = "clock_timestamp() + interval '1 second'";

    private final Vertx vertx = Vertx.vertx();
    private final Bus bus = Bus.on(vertx);
    private final AtomicInteger signals = new AtomicInteger();
    private final List<Duration> delays = new java.util.concurrent.CopyOnWriteArrayList<>();
    private TestDatabase database;
    private Pools pools;
    private DagRepository dags;
    private JobFiring jobs;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 6, 200);
        dags = new DagRepository(vertx, pools.api());
        bus.listen(Addresses.WORK_READY, _ -> signals.incrementAndGet());
        jobs = firing();
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void aScheduledDagIsPlannedForItsNextTimeAndFiresWhenItIsDue() {
        var dag = published("yearly", YEARLY);

        assertThat(fire()).isBetween(Duration.ZERO, Duration.ofHours(1));
        assertThat(runs()).isEmpty();
        assertThat(plannedFor(dag)).isEqualTo(value("date_trunc('year', now()) + interval '1 year'"));

        makeDue(dag, "date_trunc('year', now())");
        fire();

        assertThat(database.value(
                        "SELECT triggered_by || ' ' || (logical_time = date_trunc('year', now())) FROM dag_runs"))
                .isEqualTo("schedule true");
        assertThat(executions()).isEqualTo(runs());
        assertThat(plannedFor(dag)).isEqualTo(value("date_trunc('year', now()) + interval '1 year'"));
        until("routers were told", () -> signals.get() == 1);
    }

    @Test
    void whoeverFiresAndHoweverOftenADueTimeHasOneExecution() {
        var dag = published("yearly", YEARLY);
        fire();
        for (var round = 0; round < 5; round++) {
            makeDue(dag, "date_trunc('year', now())");
            var together = new ArrayList<Future<Duration>>();
            for (var n = 0; n < 4; n++) {
                together.add(firing().fire(0));
            }
            together.forEach(dev.orrery.testing.Await::await);
            endAllRuns();
        }

        assertThat(runs()).hasSize(36);
        assertThat(plannedFor(dag)).isEqualTo(value("date_trunc('year', now()) + interval '1 year'"));
    }

    @Test
    void whatIsDueSoonIsPreparedBeforeAndCommittedAtItsTime() {
        var dag = published("yearly", YEARLY);
        fire();

        until("it is prepared, and nobody sees it", () -> {
            var before = value("(SELECT count(*) FROM dag_runs)");
            makeDue(dag, SOON);
            var firing = early().fire(0);
            var isPrepared = false;
            while (!isPrepared && !firing.isComplete()) {
                isPrepared = isPrepared(before);
            }
            await(firing.otherwiseEmpty());
            if (firing.succeeded()) {
                endAllRuns();
            }
            return isPrepared && firing.succeeded();
        });

        assertThat(
                        database.value(
                                "SELECT bool_and(clock_timestamp() >= scheduled_at AND created_at >= scheduled_at) FROM job_executions"))
                .isEqualTo("t");
        assertThat(plannedFor(dag)).isEqualTo(value("date_trunc('year', now()) + interval '1 year'"));
    }

    /** In one look: its time could come between two. */
    private boolean isPrepared(String runsBefore) {
        return "t"
                .equals(value("(EXISTS (SELECT FROM pg_locks WHERE relation = 'dag_runs'::regclass"
                        + " AND mode = 'RowExclusiveLock') AND (SELECT count(*) FROM dag_runs) = " + runsBefore + ")"));
    }

    @Test
    void howLateAFireIsGoesByTheClockOfTheDatabase() {
        var dag = published("yearly", YEARLY);
        fire();
        makeDue(dag, "date_trunc('year', now())");
        var late = Duration.ofMillis(
                Long.parseLong(value("(extract(epoch FROM now() - date_trunc('year', now())) * 1000)::bigint")));
        fire();
        assertThat(delays).hasSize(1);
        assertThat(delays.getFirst()).isBetween(late, late.plusSeconds(30));

        // A machine that has much else to do may not get there before its time.
        until("one that is prepared in time is not late at all", () -> {
            endAllRuns();
            makeDue(dag, SOON);
            await(early().fire(0).otherwiseEmpty());
            return delays.getLast().isZero();
        });
    }

    @Test
    void whatIsDueSoonIsLeftForItsTimeWhileItsLastRunGoesOn() {
        var dag = published("yearly", YEARLY);
        fire();
        makeDue(dag, "date_trunc('year', now()) - interval '1 year'");
        fire();
        makeDue(dag, "clock_timestamp() + interval '8 seconds'");

        var pause = await(early().fire(0));

        assertThat(runs()).hasSize(36);
        assertThat(database.value("SELECT count(*) FROM job_skips WHERE reason = 'overlap'"))
                .isEqualTo("0");
        assertThat(pause).isBetween(Duration.ofMillis(1), Duration.ofSeconds(8));
    }

    @Test
    void whoNoLongerLeadsFiresNothing() {
        var dag = published("yearly", YEARLY);
        fire();
        makeDue(dag, "date_trunc('year', now())");

        assertThatThrownBy(() -> await(jobs.fire(7))).hasMessageContaining("epoch 7 is over");

        assertThat(runs()).isEmpty();
        assertThat(executions()).isEmpty();
    }

    @Test
    void afterAPauseTheLastMissedTimeFiresAndTheOthersAreRecorded() {
        var dag = published("yearly", YEARLY);
        fire();
        await(dags.setActive(TENANT, dag, false, Optional.empty()));
        makeDue(dag, "date_trunc('year', now()) - interval '4 years'");
        fire();
        assertThat(runs()).isEmpty();

        await(dags.setActive(TENANT, dag, true, Optional.empty()));
        fire();

        assertThat(database.value("SELECT logical_time = date_trunc('year', now()) FROM dag_runs"))
                .isEqualTo("t");
        assertThat(
                        database.value(
                                "SELECT reason || ' ' || fires || ' ' || (extract(year FROM last_at) - extract(year FROM first_at)) FROM job_skips"))
                .isEqualTo("misfire 4 3");
    }

    @Test
    void whileItsLastRunGoesOnItIsLeftOutAndRecorded() {
        var dag = published("yearly", YEARLY);
        fire();
        makeDue(dag, "date_trunc('year', now()) - interval '1 year'");
        database.value("UPDATE job_timers SET due_at = due_at RETURNING job_id");
        fire();
        var first = runs();
        makeDue(dag, "date_trunc('year', now())");
        fire();
        assertThat(runs()).isEqualTo(first);
        assertThat(database.value("SELECT string_agg(reason, ' ' ORDER BY id) FROM job_skips"))
                .isEqualTo("misfire overlap");

        endAllRuns();
        database.value("DELETE FROM job_executions RETURNING id");
        makeDue(dag, "date_trunc('year', now())");
        fire();

        assertThat(runs()).isNotEqualTo(first);
    }

    @Test
    void aScheduleThatChangedIsPlannedAnewAndOneThatIsGoneFiresNoMore() {
        var dag = published("changing", YEARLY);
        fire();
        makeDue(dag, "now() + interval '1 day'");

        update(dag, Optional.of("0 0 29 2 *"));
        fire();
        assertThat(database.value("SELECT to_char(due_at, 'MM-DD HH24:MI') FROM job_timers WHERE is_planned"))
                .isEqualTo("02-29 00:00");

        update(dag, Optional.empty());
        assertThat(database.value("SELECT count(*) FROM job_timers")).isEqualTo("0");

        update(dag, Optional.of(YEARLY));
        fire();
        assertThat(plannedFor(dag)).isEqualTo(value("date_trunc('year', now()) + interval '1 year'"));

        await(dags.delete(TENANT, dag));
        assertThat(database.value("SELECT count(*) FROM job_timers")).isEqualTo("0");
        while (await(dags.purgeHidden(100))) {
            // in steps
        }
        assertThat(database.value("SELECT count(*) FROM jobs")).isEqualTo("0");
    }

    @Test
    void aNewVersionWithTheSameScheduleKeepsThePlan() {
        var dag = published("same", YEARLY);
        fire();
        makeDue(dag, "date_trunc('year', now()) - interval '1 year'");

        update(dag, Optional.of(YEARLY));

        assertThat(plannedFor(dag)).isEqualTo(value("date_trunc('year', now()) - interval '1 year'"));
    }

    @Test
    void aJobThatCannotBePlannedFailsWithItsReasonAndTheOthersFire() {
        var good = published("good", YEARLY);
        var bad = published("bad", YEARLY);
        fire();
        makeDue(good, "date_trunc('year', now())");
        makeDue(bad, "date_trunc('year', now())");
        database.value("UPDATE jobs SET timezone = 'Atlantis/Centre' WHERE id = '" + bad + "' RETURNING id");

        fire();

        assertThat(database.value("SELECT string_agg(dag_id::text, ' ') FROM dag_runs"))
                .isEqualTo(good.toString());
        assertThat(database.value("SELECT status || ': ' || error FROM jobs WHERE id = '" + bad + "'"))
                .isEqualTo("failed: Unknown time-zone ID: Atlantis/Centre");
        assertThat(fire()).isPositive();
    }

    @Test
    void moreThanOneBiteIsFiredInSeveralAtOnce() {
        for (var n = 0; n < 12; n++) {
            published("dag " + n, YEARLY);
        }
        fire();
        database.value("UPDATE job_timers SET due_at = date_trunc('year', now()) RETURNING job_id");
        var repository = new JobRepository(vertx, pools.hot());
        var fired = new ArrayList<Integer>();
        var pause = Optional.of(Duration.ZERO);
        while (pause.filter(Duration::isZero).isPresent()) {
            var bite = await(repository.fireDue(0, new Bite(5, 7, Duration.ZERO), JobFiringIT::now, JobFiringIT::id));
            fired.add(bite.fired());
            pause = bite.pause();
        }

        assertThat(fired).containsExactly(3, 3, 3, 3);
    }

    @Test
    void anExecutionGoesWithItsRun() {
        var dag = published("yearly", YEARLY);
        fire();
        makeDue(dag, "date_trunc('year', now())");
        fire();
        endAllRuns();

        await(new DagRunRepository(vertx, pools.api()).delete(TENANT, RunId.parse(runs())));

        assertThat(executions()).isEmpty();
    }

    private static Future<List<JobRepository.Planned>> now(List<JobRepository.DueJob> due) {
        return Future.succeededFuture(due.stream().map(JobFiringIT::now).toList());
    }

    private static JobRepository.Planned now(JobRepository.DueJob job) {
        return new JobRepository.Planned.Plan(new dev.orrery.domain.job.FirePlan(
                job.due(), Optional.of(job.now().plusSeconds(3_600)), List.of()));
    }

    private JobFiring firing() {
        return new JobFiring(vertx, new JobRepository(vertx, pools.hot()), JobFiringIT::id, bus, delays::add);
    }

    /** Looks ten seconds ahead. */
    private JobFiring early() {
        return new JobFiring(
                vertx,
                new JobRepository(vertx, pools.hot()),
                JobFiringIT::id,
                bus,
                new Bite(100, 1_000, Duration.ofSeconds(10)),
                delays::add);
    }

    private static java.util.UUID id() {
        return IDS.next(System.currentTimeMillis());
    }

    private Duration fire() {
        return await(jobs.fire(0));
    }

    private DagId published(String name, String schedule) {
        return await(dags.create(TENANT, new DagId(id()), publication(name, Optional.of(schedule)), Optional.empty()))
                .id();
    }

    private void update(DagId dag, Optional<String> schedule) {
        await(dags.update(TENANT, dag, publication("again " + IDS.hashCode(), schedule), OptionalInt.empty()));
    }

    private static DagPublication publication(String name, Optional<String> schedule) {
        var draft = new DagDraft(
                Optional.of(name), Optional.empty(), Graphs.tasks("a", "b"), schedule, DagDraft.DEFAULT_TIMEZONE);
        return DagPublication.of(draft, "text " + schedule + System.nanoTime());
    }

    private void makeDue(DagId dag, String time) {
        database.value("UPDATE job_timers SET due_at = " + time + " WHERE job_id = '" + dag + "' RETURNING job_id");
    }

    private void endAllRuns() {
        database.value("UPDATE dag_runs SET state = 'succeeded', remaining = 0, completed_at = now() RETURNING id");
    }

    private String plannedFor(DagId dag) {
        return database.value("SELECT due_at FROM job_timers WHERE is_planned AND job_id = '" + dag + "'");
    }

    private String value(String expression) {
        return database.value("SELECT " + expression);
    }

    private String runs() {
        return database.value("SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM dag_runs");
    }

    private String executions() {
        return database.value("SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM job_executions");
    }
}
