package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.store.SingleTaskRepository;
import dev.orrery.store.SingleTaskRepository.Mark;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * Deletes single tasks that ended long ago, in rounds over all that are old enough, tenant by tenant. Each look costs the same, however
 * many there are that have not ended; where these are very many, the next round comes later. A tenant with more than its share in a
 * round does not keep the others waiting: the rest of it is gone on with behind the round, until the next one begins.
 */
public final class OldTasks {

    /** Submissions that name tasks wait while old ones are deleted. */
    private static final int BITE = 1_000;

    /** So many bites a tenant has in a round. */
    private static final int SHARE = 50;

    private static final int MANY = 50_000;
    private static final Duration REST = Duration.ofHours(1);
    private static final Duration PAUSE = Duration.ofMinutes(1);
    private static final UUID LAST_ID = new UUID(-1, -1);

    private final SingleTaskRepository tasks;
    private final Duration age;
    private final int bite;

    /** Where to go on in the round; absent between two rounds. */
    private Optional<Mark> round = Optional.empty();

    private int bites;

    /** Where to go on with tenants that had more than their share. */
    private final Map<Integer, UUID> rests = new LinkedHashMap<>();

    private int left;
    private long restsUntil = System.nanoTime();

    /** {@code age}: how long after their end tasks are kept. */
    public OldTasks(SingleTaskRepository tasks, Duration age) {
        this(tasks, age, BITE);
    }

    /** {@code bite}: how many are looked at in one transaction. */
    public OldTasks(SingleTaskRepository tasks, Duration age, int bite) {
        this.tasks = tasks;
        this.age = age;
        this.bite = bite;
    }

    /** A bounded part of a round; true where there is more of it. */
    public Future<Boolean> purge(long epoch) {
        if (round.isEmpty() && System.nanoTime() - restsUntil >= 0) {
            round = Optional.of(Mark.START);
            bites = 0;
            left = 0;
        }
        return round.map(mark -> goRound(mark, epoch)).orElseGet(() -> goOnWithRests(epoch));
    }

    private Future<Boolean> goRound(Mark mark, long epoch) {
        return purge(mark, epoch).map(next -> {
            bites = next.filter(to -> to.tenant() == mark.tenant()).isPresent() ? bites + 1 : 1;
            round = next.map(to -> bites < SHARE ? to : skip(to));
            if (round.isEmpty()) {
                restsUntil = System.nanoTime() + pause().toNanos();
            }
            return round.isPresent() || !rests.isEmpty();
        });
    }

    /** Leaves the rest of a tenant for later. */
    private Mark skip(Mark mark) {
        rests.putIfAbsent(mark.tenant(), mark.task());
        return new Mark(mark.tenant(), LAST_ID);
    }

    private Duration pause() {
        if (left > MANY) {
            return REST;
        }
        return rests.isEmpty() ? Duration.ZERO : PAUSE;
    }

    /** Each in turn. */
    private Future<Boolean> goOnWithRests(long epoch) {
        if (rests.isEmpty()) {
            return Future.succeededFuture(false);
        }
        var tenant = rests.keySet().iterator().next();
        var leftBefore = left;
        return purge(new Mark(tenant, requireNonNull(rests.get(tenant))), epoch).map(next -> {
            rests.remove(tenant);
            next.filter(to -> to.tenant() == tenant).ifPresent(to -> rests.put(tenant, to.task()));
            if (left > MANY && leftBefore <= MANY) {
                restsUntil = System.nanoTime() + REST.toNanos();
            }
            return !rests.isEmpty();
        });
    }

    private Future<Optional<Mark>> purge(Mark mark, long epoch) {
        return tasks.purgeOld(age, bite, mark, epoch).map(purged -> {
            left += purged.left();
            return purged.next();
        });
    }
}
