package dev.orrery.service;

import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.orrery.cron.CronText;
import dev.orrery.dagfile.DagFileParser;
import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.job.CronSchedule;
import dev.orrery.store.DagJson;
import dev.orrery.store.DagPublication;
import dev.orrery.store.DagRepository;
import dev.orrery.store.DagRepository.StoredVersion;
import dev.orrery.store.NewRun;
import dev.orrery.store.StoredDag;
import dev.orrery.store.Texts;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** DAGs: publishing, looking, pausing, deleting. Files are read off the event loop, since the largest take a while. */
public final class DagService {

    private static final System.Logger LOG = System.getLogger(DagService.class.getName());

    /** About so many tasks are deleted in one transaction. */
    private static final int PURGE_TASKS = 2_000;

    /** How many files are read or shown at once: the largest take some 50 MiB of memory for a moment. */
    private static final int READERS = 2;

    private final WorkerExecutor readers;
    private final DagRepository dags;
    private final Supplier<UUID> ids;
    private final AtomicBoolean purging;

    /** {@code ids}: new ids in the order of time. */
    public DagService(Vertx vertx, DagRepository dags, Supplier<UUID> ids) {
        this.readers = vertx.createSharedWorkerExecutor("dag-files", READERS);
        this.dags = requireNonNull(dags, "dags");
        this.ids = requireNonNull(ids, "ids");
        this.purging = new AtomicBoolean();
    }

    private DagService(DagService shared, ChangeRequest request) {
        this.readers = shared.readers;
        this.dags = shared.dags.by(request);
        this.ids = shared.ids;
        this.purging = shared.purging;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public DagService by(ChangeRequest request) {
        return new DagService(this, request);
    }

    /**
     * Publishes a new DAG. The given name wins over the one in the file. Fails with every problem of the file at once, or
     * with {@code CONFLICT} where the name exists: the path of its problem is the id of that DAG.
     */
    public Future<DagSummary> create(TenantId tenant, Optional<String> name, String yaml, Optional<RequestKey> key) {
        return publication(yaml, draft -> named(draft, name))
                .compose(dag -> dags.create(tenant, new DagId(ids.get()), dag, key.map(DagService::key)))
                .map(DagService::summary);
    }

    /**
     * Publishes the next version under the DAG's own name, whatever the file says; a text that did not change keeps its
     * version. With {@code ifMatch} it fails with {@code CONFLICT} unless the DAG still has that version.
     */
    public Future<DagSummary> update(TenantId tenant, DagId id, String yaml, OptionalInt ifMatch) {
        return stored(tenant, id)
                .compose(current -> publication(yaml, draft -> draft.named(current.name())))
                .compose(dag -> dags.update(tenant, id, dag, ifMatch))
                .map(updated -> summary(updated.orElseThrow(() -> noDag(id))));
    }

    public Future<DagSummary> get(TenantId tenant, DagId id) {
        return stored(tenant, id).map(DagService::summary);
    }

    /** The newest first; with a name only the DAG that is called exactly so. */
    public Future<List<DagSummary>> list(TenantId tenant, Page page, Optional<String> name) {
        var found = name.isEmpty()
                ? dags.list(tenant, page.limit(), page.offset())
                : dags.getByName(tenant, name.get())
                        .map(dag -> dag.stream().skip(page.offset()).toList());
        return found.map(list -> list.stream().map(DagService::summary).toList());
    }

    /** A version in full, the newest one where none is named. */
    public Future<DagDocument> definition(TenantId tenant, DagId id, OptionalInt version) {
        return dags.version(tenant, id, version)
                .map(found ->
                        found.orElseThrow(() -> version.isPresent() ? noVersion(id, version.getAsInt()) : noDag(id)))
                .compose(found -> readers.executeBlocking(() -> document(id, found), false));
    }

    /** Versions, newest first; the cursor is the one that the part before ended with. */
    public Future<CursorPage<DagVersionSummary>> versions(
            TenantId tenant, DagId id, Optional<String> cursor, int limit) {
        return stored(tenant, id)
                .compose(_ -> dags.versions(tenant, id, before(cursor), limit + 1))
                .map(found -> {
                    var items = found.stream()
                            .limit(limit)
                            .map(row ->
                                    new DagVersionSummary(row.version(), row.name(), row.taskCount(), row.createdAt()))
                            .toList();
                    var next = found.size() > limit
                            ? Optional.of(Integer.toString(items.getLast().version()))
                            : Optional.<String>empty();
                    return new CursorPage<>(items, next);
                });
    }

    /** While it is paused, schedules and events start nothing. Repeating it changes nothing. */
    public Future<DagSummary> pause(TenantId tenant, DagId id, Optional<RequestKey> key) {
        return setActive(tenant, id, false, key);
    }

    public Future<DagSummary> resume(TenantId tenant, DagId id, Optional<RequestKey> key) {
        return setActive(tenant, id, true, key);
    }

    private Future<DagSummary> setActive(TenantId tenant, DagId id, boolean active, Optional<RequestKey> key) {
        return dags.setActive(tenant, id, active, key.map(DagService::key))
                .map(dag -> summary(dag.orElseThrow(() -> noDag(id))));
    }

    /**
     * Deletes a DAG with its versions and its runs, which have to have ended, else it fails with {@code CONFLICT}. It is
     * gone for everyone at once; its rows follow.
     */
    public Future<Void> delete(TenantId tenant, DagId id) {
        return dags.delete(tenant, id).compose(deletion -> switch (deletion) {
            case HIDDEN -> {
                purgeDeleted().onFailure(error -> LOG.log(WARNING, "event=purge_failed dag=" + id, error));
                yield Future.succeededFuture();
            }
            case ACTIVE ->
                Future.failedFuture(new OrreryException(
                        ErrorCode.CONFLICT, "DAG " + id + " has runs that have not ended; cancel them first"));
            case IN_USE ->
                Future.failedFuture(new OrreryException(
                        ErrorCode.CONFLICT, "jobs fire DAG " + id + "; delete or cancel them first: GET /api/v1/jobs"));
            case UNKNOWN -> Future.failedFuture(noDag(id));
        });
    }

    /** Removes the rows of deleted DAGs in small transactions; does nothing while it is at it already. */
    public Future<Void> purgeDeleted() {
        if (!purging.compareAndSet(false, true)) {
            return Future.succeededFuture();
        }
        return purgeNext().onComplete(_ -> purging.set(false));
    }

    private Future<Void> purgeNext() {
        return dags.purgeHidden(PURGE_TASKS).compose(more -> more ? purgeNext() : Future.succeededFuture());
    }

    private Future<DagPublication> publication(String yaml, UnaryOperator<DagDraft> naming) {
        return readers.executeBlocking(
                () -> DagPublication.of(naming.apply(DagFileParser.parse(yaml).orThrow()), yaml), false);
    }

    private static DagDraft named(DagDraft draft, Optional<String> name) {
        var chosen = name.map(Texts::clean)
                .or(draft::name)
                .orElseThrow(() -> wrongName(
                        ProblemCode.MISSING_FIELD,
                        "the DAG has no name",
                        "write 'name: …' into the file, or give a name with the request"));
        if (!TaskDefinition.isName(chosen)) {
            throw wrongName(
                    ProblemCode.BAD_NAME,
                    "a name has 1 to 255 characters, one of them visible and none of them a control character",
                    "choose a short name on one line");
        }
        return draft.named(chosen);
    }

    private static OrreryException wrongName(ProblemCode code, String message, String help) {
        return new OrreryException(
                ErrorCode.VALIDATION_ERROR,
                message,
                List.of(new Problem(code, 0, 0, "name", message, Optional.of(help))));
    }

    private static int before(Optional<String> cursor) {
        try {
            return cursor.map(Integer::parseInt).orElse(Integer.MAX_VALUE);
        } catch (NumberFormatException _) {
            throw new OrreryException(
                    ErrorCode.BAD_REQUEST,
                    "the cursor is none of this list",
                    List.of(Problem.at(
                            "query.cursor", ProblemCode.BAD_CURSOR, "this is not a nextCursor of this list")));
        }
    }

    private static DagDocument document(DagId id, StoredVersion stored) {
        return new DagDocument(
                id,
                stored.name(),
                stored.version(),
                stored.yaml(),
                DagJson.show(stored.definitionOf(id)),
                stored.createdAt());
    }

    private Future<StoredDag> stored(TenantId tenant, DagId id) {
        return dags.get(tenant, id).map(dag -> dag.orElseThrow(() -> noDag(id)));
    }

    private static OrreryException noDag(DagId id) {
        return new OrreryException(ErrorCode.DAG_NOT_FOUND, "there is no DAG " + id);
    }

    private static OrreryException noVersion(DagId id, int version) {
        return new OrreryException(ErrorCode.DAG_NOT_FOUND, "there is no version " + version + " of a DAG " + id);
    }

    private static NewRun.Key key(RequestKey key) {
        return new NewRun.Key(key.operation(), key.key(), key.requestHash());
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
                dag.updatedAt(),
                dag.nextRun().or(() -> firstRun(dag)));
    }

    /** What the leader is going to plan in a moment, from the time at which the database has the schedule. */
    private static Optional<Instant> firstRun(StoredDag dag) {
        return dag.schedule().filter(_ -> dag.active()).flatMap(schedule -> switch (CronText.read(
                schedule, dag.id().toString())) {
            case CronText.Reading.Read(var expressions) ->
                new CronSchedule(expressions, ZoneId.of(dag.timezone())).next(dag.updatedAt());
            case CronText.Reading.Refused _ -> Optional.empty();
        });
    }
}
