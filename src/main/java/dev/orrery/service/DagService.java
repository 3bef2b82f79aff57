package dev.orrery.service;

import dev.orrery.dagfile.DagFileParser;
import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.store.DagPublication;
import dev.orrery.store.DagRepository;
import dev.orrery.store.NewRun;
import dev.orrery.store.StoredDag;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;

/** DAGs: publishing, looking, pausing, deleting. Files are read and checked off the event loop. */
public final class DagService {

    private final Vertx vertx;
    private final DagRepository dags;
    private final Supplier<UUID> ids;

    /** {@code ids}: new ids in the order of time. */
    public DagService(Vertx vertx, DagRepository dags, Supplier<UUID> ids) {
        this.vertx = vertx;
        this.dags = dags;
        this.ids = ids;
    }

    /**
     * Publishes a new DAG. The given name wins over the one in the text, which may then be missing. Fails with all
     * problems of the text, or with CONFLICT where the name exists.
     */
    public Future<DagSummary> create(TenantId tenant, Optional<String> name, String yaml, Optional<RequestKey> key) {
        return publication(yaml, draft -> named(draft, name.or(draft::name)))
                .compose(dag -> dags.create(tenant, new DagId(ids.get()), dag, stored(key)))
                .map(DagService::summary);
    }

    /**
     * Publishes the next version of a DAG, under its own name; an unchanged text keeps the version.
     *
     * @param ifMatch the version that is expected to be the newest
     */
    public Future<DagSummary> update(TenantId tenant, DagId id, String yaml, OptionalInt ifMatch) {
        return found(id, dags.get(tenant, id))
                .compose(dag -> publication(yaml, draft -> named(draft, Optional.of(dag.name()))))
                .compose(dag -> found(id, dags.update(tenant, id, dag, ifMatch)))
                .map(DagService::summary);
    }

    private Future<DagPublication> publication(String yaml, Function<DagDraft, DagDraft> name) {
        return vertx.executeBlocking(
                () -> DagPublication.of(name.apply(DagFileParser.parse(yaml).orThrow()), yaml), false);
    }

    private static DagDraft named(DagDraft draft, Optional<String> name) {
        var chosen = name.orElseThrow(() -> invalid(
                "MISSING_FIELD", "the DAG has no name", "give one in the request or as 'name' in the DAG file"));
        if (!TaskDefinition.isName(chosen)) {
            throw invalid("BAD_NAME", "a DAG's name has 1..255 characters", "choose a shorter name that is not blank");
        }
        return draft.named(chosen);
    }

    private static OrreryException invalid(String code, String message, String help) {
        return new OrreryException(
                ErrorCode.VALIDATION_ERROR,
                message,
                List.of(new Problem(code, 0, 0, "name", message, Optional.of(help))));
    }

    public Future<DagSummary> get(TenantId tenant, DagId id) {
        return found(id, dags.get(tenant, id)).map(DagService::summary);
    }

    /** The newest first; only the one of this name where a name is given. */
    public Future<List<DagSummary>> list(TenantId tenant, Page page, Optional<String> name) {
        var rows = name.isPresent()
                ? dags.getByName(tenant, name.get())
                        .map(dag -> dag.stream().skip(page.offset()).toList())
                : dags.list(tenant, page.limit(), page.offset());
        return rows.map(list -> list.stream().map(DagService::summary).toList());
    }

    /** One version in full, the newest unless one is named. */
    public Future<DagDocument> definition(TenantId tenant, DagId id, OptionalInt version) {
        return found(id, dags.get(tenant, id))
                .compose(_ -> dags.version(tenant, id, version))
                .map(found -> found.orElseThrow(() -> new OrreryException(
                        ErrorCode.DAG_NOT_FOUND,
                        "DAG " + id + " has no version " + (version.isPresent() ? version.getAsInt() : "yet"))))
                .map(stored -> new DagDocument(
                        id, stored.name(), stored.version(), stored.yaml(), stored.definition(), stored.createdAt()));
    }

    /** The versions, the newest first. */
    public Future<CursorPage<DagVersionSummary>> versions(
            TenantId tenant, DagId id, Optional<String> cursor, int limit) {
        return found(id, dags.get(tenant, id))
                .compose(_ -> dags.versions(tenant, id, before(cursor), limit + 1))
                .map(rows -> {
                    var items = rows.stream()
                            .limit(limit)
                            .map(row ->
                                    new DagVersionSummary(row.version(), row.name(), row.taskCount(), row.createdAt()))
                            .toList();
                    var next = rows.size() > limit
                            ? Optional.of(Integer.toString(items.getLast().version()))
                            : Optional.<String>empty();
                    return new CursorPage<>(items, next);
                });
    }

    private static int before(Optional<String> cursor) {
        try {
            return cursor.map(Integer::parseInt).orElse(Integer.MAX_VALUE);
        } catch (NumberFormatException _) {
            throw new OrreryException(ErrorCode.BAD_REQUEST, "cursor is not one that a list of versions gave");
        }
    }

    /** From now on schedules and events start nothing; a call by hand still does. */
    public Future<DagSummary> pause(TenantId tenant, DagId id, Optional<RequestKey> key) {
        return setActive(tenant, id, false, key);
    }

    public Future<DagSummary> resume(TenantId tenant, DagId id, Optional<RequestKey> key) {
        return setActive(tenant, id, true, key);
    }

    private Future<DagSummary> setActive(TenantId tenant, DagId id, boolean active, Optional<RequestKey> key) {
        return found(id, dags.setActive(tenant, id, active, stored(key))).map(DagService::summary);
    }

    /** Deletes a DAG with its versions, its runs and their logs; CONFLICT while one of its runs is active. */
    public Future<Void> delete(TenantId tenant, DagId id) {
        return dags.delete(tenant, id).compose(deletion -> switch (deletion) {
            case HIDDEN -> Future.succeededFuture();
            case ACTIVE ->
                Future.failedFuture(new OrreryException(
                        ErrorCode.CONFLICT, "runs of DAG " + id + " are active; cancel them or wait for their end"));
            case UNKNOWN -> Future.failedFuture(noDag(id));
        });
    }

    private static Future<StoredDag> found(DagId id, Future<Optional<StoredDag>> dag) {
        return dag.map(found -> found.orElseThrow(() -> noDag(id)));
    }

    private static OrreryException noDag(DagId id) {
        return new OrreryException(ErrorCode.DAG_NOT_FOUND, "there is no DAG " + id);
    }

    private static Optional<NewRun.Key> stored(Optional<RequestKey> key) {
        return key.map(given -> new NewRun.Key(given.operation(), given.key(), given.requestHash()));
    }

    private static DagSummary summary(StoredDag dag) {
        return new DagSummary(
                dag.id(),
                dag.name(),
                dag.taskCount(),
                dag.schedule(),
                dag.timezone(),
                dag.active(),
                dag.version(),
                dag.createdAt(),
                dag.updatedAt());
    }
}
