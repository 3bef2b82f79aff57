package dev.orrery.service;

import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.LetterId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.event.NewEvent;
import dev.orrery.store.LetterNewsRepository;
import dev.orrery.store.LetterNewsRepository.News;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Tells handlers of events of new dead letters, by the event {@link #EVENT}, where any of the tenant listen. A letter's id is the
 * event's key: one that is published again, because its node died before that was noted, is the same event and fires
 * nothing again. What the webhook for alerts is to be told is put aside with it. For the leader.
 */
public final class LetterNews {

    public static final String EVENT = "dead_letter.added";

    private static final System.Logger LOG = System.getLogger(LetterNews.class.getName());
    private static final int BITE = 100;

    /** Why an event will never be published, however often it is tried. */
    private static final Set<ErrorCode> LASTING =
            Set.of(ErrorCode.TENANT_NOT_FOUND, ErrorCode.CONFLICT, ErrorCode.VALIDATION_ERROR);

    private final LetterNewsRepository letters;
    private final EventService events;
    private final boolean gathers;

    /** {@code gathers}: whether the webhook for alerts is to be told as well. */
    public LetterNews(LetterNewsRepository letters, EventService events, boolean gathers) {
        this.gathers = gathers;
        this.letters = requireNonNull(letters, "letters");
        this.events = requireNonNull(events, "events");
    }

    /** Tells of some; true where there may be more. */
    public Future<Boolean> announce(long epoch) {
        return letters.list(BITE)
                .compose(news -> news.isEmpty()
                        ? Future.succeededFuture(false)
                        : publish(news)
                                .compose(_ ->
                                        letters.mark(news.stream().map(News::id).toList(), gathers, epoch))
                                .map(_ -> news.size() == BITE));
    }

    private Future<Void> publish(List<News> news) {
        var byTenant = new LinkedHashMap<TenantId, List<NewEvent>>();
        news.stream()
                .filter(News::isWanted)
                .forEach(letter -> byTenant.computeIfAbsent(letter.tenant(), _ -> new ArrayList<>())
                        .add(event(letter.id(), letter)));
        var all = Future.<Void>succeededFuture();
        for (var tenant : byTenant.entrySet()) {
            all = all.compose(_ -> publish(tenant.getKey(), tenant.getValue()));
        }
        return all;
    }

    private static NewEvent event(LetterId id, News letter) {
        return NewEvent.of(EVENT, letter.payload(), Optional.of(id.toString()), Optional.of("orrery"));
    }

    /** One tenant's failure is not to keep all others from being told. */
    private Future<Void> publish(TenantId tenant, List<NewEvent> told) {
        return events.publish(tenant, told, Optional.empty()).<Void>mapEmpty().recover(error -> {
            if (error instanceof OrreryException refused && LASTING.contains(refused.code())) {
                LOG.log(WARNING, "event=letters_untold tenant=" + tenant.value() + " letters=" + told.size(), error);
                return Future.succeededFuture();
            }
            return Future.failedFuture(error);
        });
    }
}
