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
import java.util.UUID;
import java.util.function.BiConsumer;

/**
 * Ends tasks whose {@code totalTimeout} is over while they wait for another attempt, in their queue, or for a lock or a limit: so
 * they end in time also where nobody takes them. Done by the leader, in rounds over all that have begun and wait; what is ended
 * is guarded by what stands there, so that it does no harm to be told twice.
 */
public final class OverdueWaits {

    /** So many are looked at in a second: a round takes longer only where more wait that have begun. */
    private static final int BITE = 5_000;

    /** So many are ended in one transaction. */
    private static final int ENDED_AT_ONCE = 200;

    private static final String OVER = "its totalTimeout is over";
    private static final UUID START = new UUID(0, 0);
    private static final System.Logger LOG = System.getLogger(OverdueWaits.class.getName());

    private final OverdueWaitRepository repository;
    private final Endings endings;
    private final BiConsumer<TaskInstanceId, Verdict> counted;
    private final Bus bus;
    private UUID behind = START;

    /** {@code counted} is told of each task that ended so. */
    public OverdueWaits(
            OverdueWaitRepository repository, Endings endings, BiConsumer<TaskInstanceId, Verdict> counted, Bus bus) {
        this.repository = requireNonNull(repository, "repository");
        this.endings = requireNonNull(endings, "endings");
        this.counted = requireNonNull(counted, "counted");
        this.bus = requireNonNull(bus, "bus");
    }

    /** A bounded part of a round; true where it ended as many as it may, and there may be more. */
    public Future<Boolean> bite() {
        return repository.look(behind, BITE).compose(look -> {
            var first = some(look.overdue());
            var isAll = first.size() == look.overdue().size();
            var next = look.last().orElse(START);
            if (isAll) {
                behind = next;
            }
            return first.isEmpty()
                    ? Future.succeededFuture(false)
                    : repository
                            .end(first)
                            // What cannot be ended keeps nothing else back: it is met again in the next round.
                            .onFailure(_ -> behind = next)
                            .map(ended -> {
                                tell(ended);
                                return !isAll && !ended.tasks().isEmpty();
                            });
        });
    }

    /** The first of one kind: tasks of runs, else single ones. */
    private static List<End> some(List<Overdue> overdue) {
        var isSingle = overdue.stream().allMatch(each -> each.id().isSingle());
        return overdue.stream()
                .filter(each -> each.id().isSingle() == isSingle)
                .limit(ENDED_AT_ONCE)
                .map(each -> new End(
                        each,
                        Verdict.of(new AttemptOutcome.TotalTimedOut(each.total(), false))
                                .error()))
                .toList();
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
