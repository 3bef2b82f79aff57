package dev.orrery.service;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.job.CronSchedule;
import dev.orrery.domain.job.FirePlan;
import dev.orrery.domain.job.FirePolicy;
import dev.orrery.domain.job.JobTimer;
import dev.orrery.domain.job.OverlapPolicy;
import dev.orrery.domain.job.Schedule;
import dev.orrery.service.JobTimes.Cron;
import dev.orrery.store.JobRepository;
import dev.orrery.store.JobRepository.Bite;
import dev.orrery.store.JobRepository.DueJob;
import dev.orrery.store.JobRepository.Fired;
import dev.orrery.store.JobRepository.Planned;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Fires the jobs that are due. All decisions about time are by the database's clock; this node's is not asked. */
public final class JobFiring {

    private static final System.Logger LOG = System.getLogger(JobFiring.class.getName());

    /**
     * In one transaction, which is to be short. To make runs of a hundred jobs takes about 30 ms, which go by before their
     * time.
     */
    private static final Bite BITE = new Bite(500, 10_000, Duration.ofMillis(60));

    /** While others hold what is due. */
    private static final Duration HELD = Duration.ofMillis(10);

    private static final int SCHEDULES_KEPT = 10_000;
    private static final Duration FOREVER = Duration.ofDays(1);

    private final Vertx vertx;
    private final JobRepository jobs;
    private final Supplier<UUID> runId;
    private final Bus bus;
    private final Bite bite;
    private final Consumer<Duration> delays;
    private final Map<Cron, CronSchedule> schedules = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Cron, CronSchedule> eldest) {
            return size() > SCHEDULES_KEPT;
        }
    };

    /**
     * @param runId new ids for runs
     * @param bus told when runs were created, or are to end
     * @param delays told of each fire how long after its due time its run was created
     */
    public JobFiring(Vertx vertx, JobRepository jobs, Supplier<UUID> runId, Bus bus, Consumer<Duration> delays) {
        this(vertx, jobs, runId, bus, BITE, delays);
    }

    JobFiring(Vertx vertx, JobRepository jobs, Supplier<UUID> runId, Bus bus, Bite bite, Consumer<Duration> delays) {
        this.vertx = vertx;
        this.jobs = jobs;
        this.runId = runId;
        this.bus = bus;
        this.bite = bite;
        this.delays = delays;
    }

    /** Fires what is due, in one bite; how long until something is due again. */
    public Future<Duration> fire(long epoch) {
        return jobs.fireDue(epoch, bite, this::planAll, runId).map(fired -> {
            fired.delays().forEach(delays);
            if (fired.fired() > 0) {
                // Which queues is not told back: routers look at those they serve.
                bus.publish(Addresses.WORK_READY, new WorkReady(Set.of()));
            }
            if (fired.cancelsAsked()) {
                bus.publish(Addresses.CANCELS_ASKED, new CancelsAsked());
            }
            return fired.pause().map(pause -> pause(pause, fired)).orElse(FOREVER);
        });
    }

    private Duration pause(Duration untilDue, Fired fired) {
        var early = untilDue.minus(bite.ahead());
        if (early.isPositive()) {
            return early;
        } else if (fired.dealtWith() > 0) {
            return Duration.ZERO;
        }
        // What is due soon was looked at, and left for its time.
        return untilDue.compareTo(HELD) > 0 ? untilDue : HELD;
    }

    /** Reading hundreds of schedules takes too long for an event loop; one bite at a time, so the cache has one user. */
    private Future<List<Planned>> planAll(List<DueJob> due) {
        return vertx.executeBlocking(() -> due.stream().map(this::plan).toList());
    }

    private Planned plan(DueJob job) {
        if (job.isEarly() && job.running().isPresent() && policy(job).overlap() != OverlapPolicy.ALLOW) {
            // What runs may end until then.
            return new Planned.NotYet();
        }
        try {
            var schedule = JobTimes.schedule(job.id(), job.timing(), job.createdAt(), this::read);
            return new Planned.Plan(job.isPlanned() ? next(job, schedule) : first(job, schedule));
        } catch (IllegalArgumentException | DateTimeException | ArithmeticException e) {
            // One that cannot be planned must not hold up the others.
            LOG.log(WARNING, "event=job_failed job=" + job.id() + " reason=\"" + e.getMessage() + '"');
            return new Planned.Failed(String.valueOf(e.getMessage()));
        }
    }

    private CronSchedule read(Cron cron) {
        return schedules.computeIfAbsent(cron, Cron::read);
    }

    private static FirePlan first(DueJob job, Schedule schedule) {
        return job.isOfDag()
                ? FirePlan.first(schedule, job.now())
                : FirePlan.first(schedule, policy(job), timer(job), job.now());
    }

    private static FirePlan next(DueJob job, Schedule schedule) {
        return FirePlan.of(schedule, policy(job), timer(job), job.now());
    }

    private static FirePolicy policy(DueJob job) {
        return job.isOfDag()
                ? FirePolicy.LATEST
                : FirePolicy.of(job.timing().misfire(), job.timing().overlap());
    }

    private static JobTimer timer(DueJob job) {
        return new JobTimer(
                job.due(),
                job.held(),
                job.running().isPresent(),
                JobTimes.bounds(job.timing()).remaining(job.fires()));
    }
}
