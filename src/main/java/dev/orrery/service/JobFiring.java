package dev.orrery.service;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.cron.CronText;
import dev.orrery.domain.job.CronSchedule;
import dev.orrery.domain.job.FirePlan;
import dev.orrery.store.JobRepository;
import dev.orrery.store.JobRepository.DueJob;
import dev.orrery.store.JobRepository.Planned;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;

/** Fires the jobs that are due. All decisions about time are by the database's clock; this node's is not asked. */
public final class JobFiring {

    private static final System.Logger LOG = System.getLogger(JobFiring.class.getName());

    /** In one transaction, which is to be short. */
    private static final int JOBS = 500;

    private static final int TASKS = 10_000;

    private static final int SCHEDULES_KEPT = 10_000;
    private static final Duration FOREVER = Duration.ofDays(1);

    private final Vertx vertx;
    private final JobRepository jobs;
    private final Supplier<UUID> runId;
    private final Runnable ready;
    private final Map<Key, CronSchedule> schedules = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, CronSchedule> eldest) {
            return size() > SCHEDULES_KEPT;
        }
    };

    private record Key(UUID job, String schedule, String timezone) {}

    /**
     * @param runId new ids for runs
     * @param ready told when runs were created
     */
    public JobFiring(Vertx vertx, JobRepository jobs, Supplier<UUID> runId, Runnable ready) {
        this.vertx = vertx;
        this.jobs = jobs;
        this.runId = runId;
        this.ready = ready;
    }

    /** Fires what is due, in one bite; how long until something is due again. */
    public Future<Duration> fire(long epoch) {
        return jobs.fireDue(epoch, JOBS, TASKS, this::planAll, runId).map(fired -> {
            if (fired.fired() > 0) {
                ready.run();
            }
            return fired.pause().orElse(FOREVER);
        });
    }

    /** Reading hundreds of schedules takes too long for an event loop; one bite at a time, so the cache has one user. */
    private Future<List<Planned>> planAll(List<DueJob> due) {
        return vertx.executeBlocking(() -> due.stream().map(this::plan).toList());
    }

    private Planned plan(DueJob job) {
        try {
            var schedule =
                    schedules.computeIfAbsent(new Key(job.id(), job.schedule(), job.timezone()), JobFiring::read);
            return new Planned.Plan(
                    job.isPlanned()
                            ? FirePlan.of(schedule, job.due(), job.now(), job.isRunning())
                            : FirePlan.first(schedule, job.now()));
        } catch (IllegalArgumentException | DateTimeException | ArithmeticException e) {
            // One that cannot be planned must not hold up the others.
            LOG.log(WARNING, "event=job_failed job=" + job.id() + " reason=\"" + e.getMessage() + '"');
            return new Planned.Failed(String.valueOf(e.getMessage()));
        }
    }

    private static CronSchedule read(Key key) {
        return switch (CronText.read(key.schedule(), key.job().toString())) {
            case CronText.Reading.Read(var expressions) -> new CronSchedule(expressions, ZoneId.of(key.timezone()));
            case CronText.Reading.Refused(var complaint) ->
                throw new IllegalArgumentException(
                        "its schedule '" + key.schedule() + "' is no cron expression that we take: " + complaint);
        };
    }
}
