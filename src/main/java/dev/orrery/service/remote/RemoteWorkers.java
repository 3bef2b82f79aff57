package dev.orrery.service.remote;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.service.CursorPage;
import dev.orrery.service.RequestKey;
import dev.orrery.store.NewRun;
import dev.orrery.store.RemoteWorkerRepository;
import dev.orrery.store.RemoteWorkerRepository.NewWorker;
import dev.orrery.store.RemoteWorkerRepository.Position;
import dev.orrery.store.RemoteWorkerRepository.Registered;
import dev.orrery.store.RemoteWorkerRepository.StoredIdentity;
import dev.orrery.store.RemoteWorkerRepository.StoredWorker;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Who the remote workers are: they register, show their token with each call, and are listed. From any thread. */
public final class RemoteWorkers {

    /** How many may be registered at a time. */
    public static final int MAX = 10_000;

    /** A worker shows that it lives so many times within its lease. */
    private static final int BEATS_OF_LEASE = 3;

    private static final int TOKEN_BYTES = 32;
    private static final int KNOWN_MAX = 10_000;

    private final RemoteWorkerRepository repository;
    private final Supplier<UUID> ids;
    private final SecureRandom random = new SecureRandom();

    /** Registrations that were read, the longest unused first; guarded by itself. */
    private final Map<NodeId, StoredIdentity> known = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<NodeId, StoredIdentity> eldest) {
            return size() > KNOWN_MAX;
        }
    };

    /** {@code ids}: new ids in the order of time. */
    public RemoteWorkers(RemoteWorkerRepository repository, Supplier<UUID> ids) {
        this.repository = repository;
        this.ids = ids;
    }

    /** Who wants to register; {@code version} is what the program calls itself and may be empty. */
    public record Input(String name, String version, List<String> handlers, int slots, Duration lease) {

        public Input {
            handlers = List.copyOf(handlers);
        }
    }

    /**
     * What a worker is told once.
     *
     * @param token shown with each further call
     * @param heartbeat how often it is to show that it lives
     */
    public record Registration(WorkerId id, String token, Duration lease, Duration heartbeat) {}

    /** Registers a worker. Repeated under its key it is the same worker with a new token, since the first may be lost. */
    public Future<Registration> register(TenantId tenant, Input input, Optional<RequestKey> key) {
        return register(repository, tenant, input, key);
    }

    /** The same, as this request asks for it: the audit log tells of it. */
    public Future<Registration> register(
            TenantId tenant, Input input, Optional<RequestKey> key, ChangeRequest request) {
        return register(repository.by(request), tenant, input, key);
    }

    private Future<Registration> register(
            RemoteWorkerRepository repository, TenantId tenant, Input input, Optional<RequestKey> key) {
        var token = newToken();
        var worker = new NewWorker(
                new NodeId(ids.get()),
                tenant,
                input.name(),
                input.version(),
                input.handlers().stream().distinct().toList(),
                input.slots(),
                input.lease(),
                hash(token));
        return repository
                .register(worker, MAX, key.map(RemoteWorkers::storeKey))
                .compose(registered -> switch (registered) {
                    case Registered.Done(var id) ->
                        Future.succeededFuture(new Registration(
                                RemoteWorker.idOf(id),
                                token,
                                input.lease(),
                                input.lease().dividedBy(BEATS_OF_LEASE)));
                    case Registered.Full _ ->
                        Future.failedFuture(new OrreryException(
                                ErrorCode.OVERLOADED,
                                MAX + " remote workers are registered, and no more are admitted"));
                    case Registered.KeyTaken _ ->
                        Future.failedFuture(new OrreryException(
                                ErrorCode.CONFLICT, "this Idempotency-Key was used for another request"));
                });
    }

    private String newToken() {
        var bytes = new byte[TOKEN_BYTES];
        random.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    static Buffer hash(String token) {
        try {
            return Buffer.buffer(MessageDigest.getInstance("SHA-256").digest(token.getBytes(UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    static NewRun.Key storeKey(RequestKey key) {
        return new NewRun.Key(key.operation(), key.key(), key.requestHash());
    }

    /** The worker that shows this token. {@code REMOTE_WORKER_NOT_FOUND} or {@code WRONG_WORKER_TOKEN} where it is none. */
    public Future<RemoteWorker> authenticate(TenantId tenant, WorkerId id, String token) {
        if (!id.equals(RemoteWorker.idOf(id.nodeId()))) {
            return Future.failedFuture(none(id));
        }
        var shown = hash(token);
        return Optional.ofNullable(atHand(id.nodeId()))
                .filter(worker -> isOf(worker, shown))
                .map(Future::succeededFuture)
                .orElseGet(() -> read(id, shown))
                .map(worker -> {
                    if (!worker.tenant().equals(tenant)) {
                        throw none(id);
                    }
                    return new RemoteWorker(
                            worker.id(),
                            worker.tenant(),
                            worker.name(),
                            worker.handlers(),
                            worker.slots(),
                            worker.lease());
                });
    }

    private @Nullable StoredIdentity atHand(NodeId id) {
        synchronized (known) {
            return known.get(id);
        }
    }

    private Future<StoredIdentity> read(WorkerId id, Buffer shown) {
        return repository.find(id.nodeId()).map(found -> {
            var worker = found.orElseThrow(() -> none(id));
            if (!isOf(worker, shown)) {
                throw new OrreryException(
                        ErrorCode.WRONG_WORKER_TOKEN, "Orrery-Worker-Token is not that of the remote worker " + id);
            }
            synchronized (known) {
                known.put(worker.id(), worker);
            }
            return worker;
        });
    }

    /** Takes the same time for every wrong token. */
    private static boolean isOf(StoredIdentity worker, Buffer shown) {
        return MessageDigest.isEqual(worker.tokenHash().getBytes(), shown.getBytes());
    }

    private static OrreryException none(WorkerId id) {
        return new OrreryException(ErrorCode.REMOTE_WORKER_NOT_FOUND, "there is no remote worker " + id);
    }

    /** Those that were not given up, the newest first; {@code handler}: only those that offer it. */
    public Future<CursorPage<StoredWorker>> list(
            TenantId tenant, Optional<String> handler, Optional<String> cursor, int limit) {
        return repository
                .list(tenant, handler, cursor.map(RemoteWorkers::position), limit + 1)
                .map(found -> {
                    var items = found.stream().limit(limit).toList();
                    var next = found.size() > limit ? Optional.of(cursor(items.getLast())) : Optional.<String>empty();
                    return new CursorPage<>(items, next);
                });
    }

    /** Why a task that is ready does not begin, where that is for want of a remote worker. */
    public Future<Optional<String>> waitingFor(TenantId tenant, TaskInstanceId task) {
        return repository
                .unofferedHandler(tenant, task)
                .map(handler -> handler.map(name -> "no remote worker offers '" + name
                        + "': it begins when one registers for it and asks; GET /api/v1/remote-workers lists those there"
                        + " are"));
    }

    private static String cursor(StoredWorker last) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, last.registeredAt()) + ":" + last.id();
    }

    private static Position position(String cursor) {
        var parts = cursor.split(":", -1);
        try {
            if (parts.length == 2) {
                return new Position(
                        Instant.EPOCH.plus(Long.parseLong(parts[0]), ChronoUnit.MICROS), WorkerId.parse(parts[1]));
            }
        } catch (IllegalArgumentException | DateTimeException | ArithmeticException _) {
            // Told below.
        }
        throw new OrreryException(
                ErrorCode.BAD_REQUEST,
                "the cursor is none of this list",
                List.of(Problem.at("query.cursor", ProblemCode.BAD_CURSOR, "this is not a nextCursor of this list")));
    }
}
