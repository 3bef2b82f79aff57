package dev.orrery.service.deadletter;

import static java.util.Objects.requireNonNull;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.RedrivesAsked;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.LetterId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.task.InputEdit;
import dev.orrery.domain.task.LetterState;
import dev.orrery.service.CursorPage;
import dev.orrery.service.RequestKey;
import dev.orrery.store.DeadLetterRepository;
import dev.orrery.store.DeadLetterRepository.Filter;
import dev.orrery.store.DeadLetterRepository.FoundLetter;
import dev.orrery.store.DeadLetterRepository.LetterGroup;
import dev.orrery.store.DeadLetterRepository.StoredLetter;
import dev.orrery.store.LetterRedriveRepository;
import dev.orrery.store.LetterRedriveRepository.Asked;
import dev.orrery.store.LetterRedriveRepository.Step;
import dev.orrery.store.LetterRedriveRepository.StoredRedrive;
import dev.orrery.store.NewRun;
import dev.orrery.store.TaskInstanceRepository;
import dev.orrery.store.TaskInstanceRepository.StoredAttempt;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;

/** What people do with dead letters. Each call is one store transaction, then signals to whom it concerns. */
public final class DeadLetterService {

    private final Repositories repositories;
    private final Supplier<UUID> ids;
    private final Bus bus;

    /** Where it reads and writes. */
    public record Repositories(
            DeadLetterRepository letters, LetterRedriveRepository redrives, TaskInstanceRepository instances) {

        public Repositories {
            requireNonNull(letters, "letters");
            requireNonNull(redrives, "redrives");
            requireNonNull(instances, "instances");
        }

        private Repositories by(ChangeRequest request) {
            return new Repositories(letters, redrives.by(request), instances);
        }
    }

    /** A letter with all there is to know of its task; its attempts up to the one that it tells of. */
    public record Detail(FoundLetter found, List<StoredAttempt> attempts) {

        public Detail {
            attempts = List.copyOf(attempts);
        }
    }

    public DeadLetterService(Repositories repositories, Supplier<UUID> ids, Bus bus) {
        this.repositories = requireNonNull(repositories, "repositories");
        this.ids = requireNonNull(ids, "ids");
        this.bus = requireNonNull(bus, "bus");
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public DeadLetterService by(ChangeRequest request) {
        return new DeadLetterService(repositories.by(request), ids, bus);
    }

    /** The newest first; the cursor is the id of the last one of the part before. */
    public Future<CursorPage<StoredLetter>> list(
            TenantId tenant, LetterState state, Filter filter, Optional<LetterId> behind, int limit) {
        return repositories
                .letters()
                .list(tenant, state, filter, behind, limit + 1)
                .map(found -> {
                    var items = found.size() > limit ? found.subList(0, limit) : found;
                    return new CursorPage<>(
                            items,
                            found.size() > limit
                                    ? Optional.of(items.getLast().id().toString())
                                    : Optional.empty());
                });
    }

    /** What failed alike, the most of it first. */
    public Future<List<LetterGroup>> groups(TenantId tenant, LetterState state, Filter filter, int limit) {
        return repositories.letters().groups(tenant, state, filter, limit);
    }

    /** Fails with {@code DEAD_LETTER_NOT_FOUND}. */
    public Future<Detail> get(TenantId tenant, LetterId id) {
        return repositories.letters().get(tenant, id).compose(found -> {
            var letter = found.orElseThrow(() -> notFound("there is no dead letter " + id));
            return repositories
                    .instances()
                    .attempts(letter.letter().task())
                    .map(attempts -> new Detail(
                            letter,
                            attempts.stream()
                                    .filter(attempt ->
                                            attempt.attempt() <= letter.letter().attempt())
                                    .toList()));
        });
    }

    /** Sends one back; fails as {@link LetterRedriveRepository#redrive}. */
    public Future<Detail> redrive(TenantId tenant, LetterId id, String by, InputEdit edit, Optional<RequestKey> key) {
        return repositories
                .redrives()
                .redrive(tenant, id, by, edit, stored(key))
                .onSuccess(this::tell)
                .compose(_ -> get(tenant, id));
    }

    /** Closes one whose task stays as it ended; fails as {@link LetterRedriveRepository#discard}. */
    public Future<Detail> discard(TenantId tenant, LetterId id, String by, String reason, Optional<RequestKey> key) {
        return repositories
                .redrives()
                .discard(tenant, id, by, reason, stored(key))
                .compose(_ -> get(tenant, id));
    }

    /** Requests for many, the newest first; the cursor is the id of the last one of the part before. */
    public Future<CursorPage<StoredRedrive>> redrives(TenantId tenant, Optional<UUID> behind, int limit) {
        return repositories.redrives().list(tenant, behind, limit + 1).map(found -> {
            var items = found.size() > limit ? found.subList(0, limit) : found;
            return new CursorPage<>(
                    items,
                    found.size() > limit ? Optional.of(items.getLast().id().toString()) : Optional.empty());
        });
    }

    /** Ends a request for many where it stands; fails as {@link LetterRedriveRepository#cancel}. */
    public Future<StoredRedrive> cancelRedrive(TenantId tenant, UUID id, Optional<RequestKey> key) {
        return repositories.redrives().cancel(tenant, id, stored(key)).compose(_ -> redrive(tenant, id));
    }

    /** How many would be sent back or discarded, as things are now; {@link DeadLetterRepository#COUNTED_MAX} where there may be more. */
    public Future<Integer> count(TenantId tenant, Asked asked) {
        return asked.letters().isPresent()
                ? repositories.letters().count(tenant, asked.letters().get())
                : repositories
                        .letters()
                        .count(tenant, asked.asOf().map(asked.filter()::before).orElseGet(asked::filter));
    }

    /**
     * Asks for many to be sent back, or discarded; it is begun at once and goes on by itself. They are counted before, if that
     * does not take too long: where few are sought among very many, only the search itself may take its time.
     */
    public Future<StoredRedrive> redriveAll(TenantId tenant, Asked asked, Optional<RequestKey> key) {
        return count(tenant, asked)
                .map(asked::expecting)
                .otherwise(asked)
                .compose(counted -> repositories.redrives().ask(tenant, ids.get(), counted, stored(key)))
                .onSuccess(_ -> bus.publish(Addresses.REDRIVES_ASKED, new RedrivesAsked()))
                .compose(id -> redrive(tenant, id));
    }

    /** How far a request for many has come; fails with {@code REDRIVE_NOT_FOUND}. */
    public Future<StoredRedrive> redrive(TenantId tenant, UUID id) {
        return repositories
                .redrives()
                .get(tenant, id)
                .map(found -> found.orElseThrow(() -> new OrreryException(
                        ErrorCode.REDRIVE_NOT_FOUND, "there is no redrive " + id + ", or it ended long ago")));
    }

    /** Does a bounded part of what was asked of many letters. */
    public Future<Step> goOn(int limit) {
        return repositories.redrives().goOn(limit).onSuccess(step -> tell(step.readyQueues()));
    }

    /** Lets others pass before the request of which not even the smallest part can be done; answers its id. */
    public Future<Optional<UUID>> putOff(Duration pause) {
        return repositories.redrives().putOff(pause);
    }

    private void tell(List<String> readyQueues) {
        if (!readyQueues.isEmpty()) {
            bus.publish(Addresses.WORK_READY, new WorkReady(new HashSet<>(readyQueues)));
        }
    }

    private static OrreryException notFound(String message) {
        return new OrreryException(ErrorCode.DEAD_LETTER_NOT_FOUND, message);
    }

    private static Optional<NewRun.Key> stored(Optional<RequestKey> key) {
        return key.map(given -> new NewRun.Key(given.operation(), given.key(), given.requestHash()));
    }
}
