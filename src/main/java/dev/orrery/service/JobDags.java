package dev.orrery.service;

import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.job.HandlerType;
import dev.orrery.domain.job.ScheduledJob.Work;
import dev.orrery.store.DagPublication;
import dev.orrery.store.DagRepository;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;

/** What jobs fire: a published DAG, or one that is kept for all jobs that do the same. */
public final class JobDags {

    private static final int TRIES = 5;

    /** Publications of one small task each. */
    private static final int KEPT = 1_000;

    private final Vertx vertx;
    private final DagRepository dags;
    private final Supplier<UUID> ids;
    private final Map<Work, DagPublication> kept = Collections.synchronizedMap(new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Work, DagPublication> eldest) {
            return size() > KEPT;
        }
    });

    /** {@code ids}: new ids in the order of time. */
    public JobDags(Vertx vertx, DagRepository dags, Supplier<UUID> ids) {
        this.vertx = vertx;
        this.dags = dags;
        this.ids = ids;
    }

    /** The DAG that does this; fails with all that is wrong with the work, or with {@code HANDLER_NOT_FOUND}. */
    Future<DagId> of(TenantId tenant, Work work) {
        if (work.type() == HandlerType.WORKFLOW) {
            return dags.getByName(tenant, work.handler())
                    .map(found -> found.orElseThrow(() -> noHandler(work)).id());
        }
        return publication(work).compose(publication -> dags.ensureInternal(tenant, new DagId(ids.get()), publication));
    }

    private Future<DagPublication> publication(Work work) {
        if (!JobWork.passesPayload(work)) {
            return vertx.executeBlocking(() -> JobWork.publication(work), false);
        }
        // Thousands of jobs differ in their payload only, and that is none of the DAG's business.
        var common = work.withoutPayload();
        var known = kept.get(common);
        return known == null
                ? vertx.executeBlocking(() -> JobWork.publication(common), false)
                        .onSuccess(made -> kept.put(common, made))
                : Future.succeededFuture(known);
    }

    /**
     * Registers what does this work by {@code register}, which is given its DAG; again where that was deleted at the same
     * moment, or was no longer needed by other jobs.
     */
    <T> Future<T> with(TenantId tenant, Work work, Function<DagId, Future<T>> register) {
        return with(tenant, work, register, 1);
    }

    private <T> Future<T> with(TenantId tenant, Work work, Function<DagId, Future<T>> register, int attempt) {
        return of(tenant, work)
                .compose(register)
                .recover(error -> isGone(error) && attempt < TRIES
                        ? with(tenant, work, register, attempt + 1)
                        : Future.failedFuture(error));
    }

    private static boolean isGone(Throwable error) {
        return error instanceof OrreryException known && known.code() == ErrorCode.HANDLER_NOT_FOUND;
    }

    /** Whether a job's own payload is the params of its executions; else it is in the task itself. */
    static boolean passesPayload(Work work) {
        return work.type() == HandlerType.WORKFLOW || JobWork.passesPayload(work);
    }

    private static OrreryException noHandler(Work work) {
        return new OrreryException(ErrorCode.HANDLER_NOT_FOUND, "there is no DAG called '" + work.handler() + "'");
    }
}
