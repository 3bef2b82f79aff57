package dev.orrery.service;

import static java.lang.System.Logger.Level.INFO;
import static java.util.Objects.requireNonNull;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.Endings;
import dev.orrery.store.OverdueWaitRepository;
import dev.orrery.store.OverdueWaitRepository.End;
import dev.orrery.store.OverdueWaitRepository.Ended;
import dev.orrery.store.OverdueWaitRepository.Overdue;
import io.vertx.core.Future;
import java.util.HashSet;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Ends tasks whose {@code totalTimeout} is over while they wait for another attempt, in their queue, or for a lock or a limit: so
 * they end in time also where nobody takes them. Done by the leader, which looks at each when it has come to wait and when its time
 * may be over; what is ended is guarded by what stands there, so that it does no harm to be told twice.
 */
public final class OverdueWaits {

    /** So many are looked at in one transaction. */
    private static final int BITE = 1_000;

    /** So many are ended in one transaction. */
    private static final int ENDED_AT_ONCE = 200;

    private static final String OVER = "its totalTimeout is over";
    private static final System.Logger LOG = System.getLogger(OverdueWaits.class.getName());

    private final OverdueWaitRepository repository;
    private final Endings endings;
    private final BiConsumer<TaskInstanceId, Verdict> counted;
    private final Bus bus;

    /** {@code counted} is told of each task that ended so. */
    public OverdueWaits(
            OverdueWaitRepository repository, Endings endings, BiConsumer<TaskInstanceId, Verdict> counted, Bus bus) {
        this.repository = requireNonNull(repository, "repository");
        this.endings = requireNonNull(endings, "endings");
        this.counted = requireNonNull(counted, "counted");
        this.bus = requireNonNull(bus, "bus");
    }

    /** Looks at a bounded number; true where there may be more to look at now. */
    public Future<Boolean> bite() {
        return repository.look(BITE).compose(look -> {
            var ended = Future.<Void>succeededFuture();
            for (var part : parts(look.overdue())) {
                // What cannot be ended keeps nothing else back.
                ended = ended.transform(before -> repository
                        .end(part)
                        .onSuccess(this::tell)
                        .compose(_ -> before.succeeded()
                                ? Future.<Void>succeededFuture()
                                : Future.failedFuture(before.cause())));
            }
            return ended.map(look.looked() == BITE);
        });
    }

    /** Each is of one kind, tasks of runs or single ones, and not too large. */
    private static List<List<End>> parts(List<Overdue> overdue) {
        return overdue.stream()
                .collect(Collectors.partitioningBy(each -> each.id().isSingle()))
                .values()
                .stream()
                .flatMap(kind -> IntStream.iterate(0, from -> from < kind.size(), from -> from + ENDED_AT_ONCE)
                        .mapToObj(from -> kind.subList(from, Math.min(kind.size(), from + ENDED_AT_ONCE)).stream()
                                .map(OverdueWaits::end)
                                .toList()))
                .toList();
    }

    private static End end(Overdue overdue) {
        var outcome = new AttemptOutcome.TotalTimedOut(overdue.total(), false);
        return new End(overdue, Verdict.of(outcome).error());
    }

    private void tell(Ended ended) {
        for (var task : ended.tasks()) {
            LOG.log(INFO, "event=total_is_over task={0}", task);
            counted.accept(task, new Verdict.TimeOut(OVER));
        }
        ended.tasks().stream()
                .filter(task -> !task.isSingle())
                .map(TaskInstanceId::runId)
                .distinct()
                .forEach(endings::runMayBeOver);
        if (!ended.readyQueues().isEmpty()) {
            bus.publish(Addresses.WORK_READY, new WorkReady(new HashSet<>(ended.readyQueues())));
        }
    }
}
