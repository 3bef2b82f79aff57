package dev.orrery.service;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.event.NewEvent;
import dev.orrery.domain.webhook.Secret;
import dev.orrery.domain.webhook.Webhook;
import dev.orrery.domain.webhook.Webhook.Verdict;
import dev.orrery.domain.webhook.WebhookScheme;
import dev.orrery.expression.Expression;
import dev.orrery.expression.Expression.Reading;
import dev.orrery.expression.Expression.Result;
import dev.orrery.expression.Facts;
import dev.orrery.store.NewRun;
import dev.orrery.store.WebhookRepository;
import dev.orrery.store.WebhookRepository.ForDelivery;
import dev.orrery.store.WebhookRepository.StoredWebhook;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Webhooks: making and changing them, and making events of what they receive. Whoever has no right to know learns nothing:
 * an unknown webhook and a wrong signature have the same answer, after the same work.
 */
public final class WebhookService {

    private static final int EXPRESSIONS_KEPT = 500;
    private static final int TRIES = 3;

    /** Stands in for a webhook that does not exist, so that its absence takes no less time. */
    private static final ForDelivery NOBODY = new ForDelivery(
            TenantId.DEFAULT,
            new Webhook(
                    "nobody",
                    WebhookScheme.STANDARD,
                    Optional.empty(),
                    Webhook.DEFAULT_TOLERANCE,
                    Optional.of("none"),
                    Optional.empty(),
                    Optional.empty()),
            List.of(new Secret(UUID.randomUUID().toString())),
            Instant.EPOCH);

    private final Vertx vertx;
    private final WebhookRepository webhooks;
    private final Supplier<UUID> ids;
    private final Publisher publisher;
    private final Optional<ChangeRequest> change;

    // Guarded by the monitor; in the order of use.
    private final Expressions expressions;

    private static final class Expressions extends LinkedHashMap<String, Expression<String>> {

        private static final long serialVersionUID = 1L;

        Expressions() {
            super(16, 0.75f, true);
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Expression<String>> eldest) {
            return size() > EXPRESSIONS_KEPT;
        }
    }

    /** Publishes an event; a key that came before with the same event is answered by that one. */
    public interface Publisher {
        Future<Received> publish(
                TenantId tenant, NewEvent event, Optional<RequestKey> request, Optional<ChangeRequest> change);
    }

    /**
     * What a delivery came to.
     *
     * @param repeated it came before
     */
    public record Received(UUID event, boolean repeated) {}

    /**
     * A request as it was sent.
     *
     * @param headers with names in small letters
     * @param json reads the body; throws an OrreryException where it is no JSON
     * @param request the sender's Idempotency-Key
     */
    public record Delivery(
            Map<String, String> headers, Buffer body, Supplier<Json> json, Optional<RequestKey> request) {

        public Delivery {
            headers = Map.copyOf(headers);
        }
    }

    /** {@code ids}: new ids in the order of time. */
    public WebhookService(Vertx vertx, WebhookRepository webhooks, Supplier<UUID> ids, Publisher publisher) {
        this.vertx = vertx;
        this.webhooks = webhooks;
        this.ids = ids;
        this.publisher = publisher;
        this.change = Optional.empty();
        this.expressions = new Expressions();
    }

    private WebhookService(WebhookService shared, ChangeRequest request) {
        this.vertx = shared.vertx;
        this.webhooks = shared.webhooks.by(request);
        this.ids = shared.ids;
        this.publisher = shared.publisher;
        this.change = Optional.of(request);
        this.expressions = shared.expressions;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public WebhookService by(ChangeRequest request) {
        return new WebhookService(this, request);
    }

    /** Fails with all that is wrong with its expressions, or {@code CONFLICT}. */
    public Future<StoredWebhook> create(
            TenantId tenant, Webhook webhook, List<Secret> secrets, Optional<RequestKey> key) {
        return checked(webhook)
                .compose(_ -> webhooks.create(
                        tenant,
                        ids.get(),
                        webhook,
                        secrets,
                        key.map(given -> new NewRun.Key(given.operation(), given.key(), given.requestHash()))));
    }

    public Future<StoredWebhook> get(TenantId tenant, String name) {
        return webhooks.get(tenant, name).map(found -> found.orElseThrow(() -> noWebhook(name)));
    }

    /** By name; the cursor is the name that the part before ended with. */
    public Future<CursorPage<StoredWebhook>> list(TenantId tenant, Optional<String> cursor, int limit) {
        return webhooks.list(tenant, cursor.orElse(""), limit + 1).map(read -> {
            var items = read.stream().limit(limit).toList();
            var next =
                    read.size() > limit ? Optional.of(items.getLast().webhook().name()) : Optional.<String>empty();
            return new CursorPage<>(items, next);
        });
    }

    /** {@code change} makes the new one of the present one; no secrets: they stay. */
    public Future<StoredWebhook> change(
            TenantId tenant, String name, Function<Webhook, Webhook> change, Optional<List<Secret>> secrets) {
        return change(tenant, name, change, secrets, 1);
    }

    private Future<StoredWebhook> change(
            TenantId tenant,
            String name,
            Function<Webhook, Webhook> change,
            Optional<List<Secret>> secrets,
            int attempt) {
        return get(tenant, name).compose(seen -> {
            var changed = change.apply(seen.webhook());
            return checked(changed)
                    .compose(_ -> webhooks.change(tenant, changed, secrets, seen.revision()))
                    .compose(done -> {
                        if (done) {
                            return get(tenant, name);
                        }
                        return attempt < TRIES
                                ? change(tenant, name, change, secrets, attempt + 1)
                                : Future.failedFuture(new OrreryException(
                                        ErrorCode.CONFLICT, "the webhook is just being changed by others"));
                    });
        });
    }

    public Future<Void> delete(TenantId tenant, String name) {
        return webhooks.delete(tenant, name)
                .compose(done -> done ? Future.succeededFuture() : Future.failedFuture(noWebhook(name)));
    }

    /** Makes an event of a delivery. Fails with {@code UNAUTHORIZED} for strangers, and tells the sender what is wrong. */
    public Future<Received> receive(String tenant, String name, Delivery delivery) {
        return webhooks.forDelivery(tenant, name)
                .compose(found -> vertx.executeBlocking(() -> judge(found, delivery), false))
                .compose(taken -> publisher.publish(
                        taken.tenant,
                        taken.event,
                        delivery.request(),
                        change.map(request -> request.of(new Tenant(taken.tenant, tenant)))));
    }

    private record Taken(TenantId tenant, NewEvent event) {}

    /** Nothing of the body is read before its signature was found right. */
    private Taken judge(Optional<ForDelivery> found, Delivery delivery) {
        var by = found.orElse(NOBODY);
        var webhook = by.webhook();
        var verdict = webhook.judge(delivery.headers(), delivery.body().getBytes(), by.secrets(), by.now());
        if (found.isEmpty() || verdict instanceof Verdict.Forged) {
            throw new OrreryException(
                    ErrorCode.UNAUTHORIZED, "there is no webhook of this name with a secret that signed this");
        }
        return switch (verdict) {
            case Verdict.Forged _ -> throw new IllegalStateException("told above");
            case Verdict.Unfit(var reason) -> throw unfit(reason);
            case Verdict.Genuine(var id) -> new Taken(by.tenant(), event(webhook, id, delivery));
        };
    }

    private NewEvent event(Webhook webhook, Optional<String> id, Delivery delivery) {
        var payload = delivery.json().get();
        var isPlain = webhook.eventName().isPresent() && webhook.keyFrom().isEmpty();
        var facts = isPlain
                ? Optional.<Facts>empty()
                : Optional.of(Facts.ofRequest(webhook.name(), delivery.headers(), payload));
        var name = webhook.eventName()
                .orElseGet(
                        () -> evaluated(webhook.eventNameFrom().orElseThrow(), facts.orElseThrow(), "eventNameFrom"));
        var key = webhook.keyFrom()
                .map(text -> evaluated(text, facts.orElseThrow(), "keyFrom"))
                .or(() -> checkedKey(id));
        return new NewEvent(
                name,
                payload,
                key,
                Optional.of("webhook:" + webhook.name()),
                Optional.ofNullable(delivery.headers().get("traceparent")),
                Optional.empty(),
                Optional.empty());
    }

    private static Optional<String> checkedKey(Optional<String> id) {
        if (id.isPresent() && id.get().length() > Expression.KEY_MAX) {
            throw unfit("the delivery's id has over " + Expression.KEY_MAX + " characters");
        }
        return id;
    }

    private String evaluated(String text, Facts facts, String field) {
        return switch (expression(text, field).evaluate(facts)) {
            case Result.Value<String>(var value) -> value;
            case Result.Failed<String>(var reason) -> throw unfit("the webhook's " + field + ": " + reason);
        };
    }

    private Expression<String> expression(String text, String field) {
        synchronized (expressions) {
            var kept = expressions.get(text);
            if (kept != null) {
                return kept;
            }
        }
        return switch (Expression.ofRequest(text, field)) {
            case Reading.Compiled<String>(var expression) -> {
                synchronized (expressions) {
                    expressions.put(text, expression);
                }
                yield expression;
            }
            case Reading.Refused<String>(var problems) ->
                throw unfit(
                        "the webhook's " + field + ": " + problems.getFirst().message());
        };
    }

    private Future<Void> checked(Webhook webhook) {
        if (webhook.eventNameFrom().isEmpty() && webhook.keyFrom().isEmpty()) {
            return Future.succeededFuture();
        }
        return vertx.executeBlocking(
                () -> {
                    var problems = new ArrayList<Problem>();
                    webhook.eventNameFrom().ifPresent(text -> problems.addAll(problems(text, "eventNameFrom")));
                    webhook.keyFrom().ifPresent(text -> problems.addAll(problems(text, "keyFrom")));
                    if (!problems.isEmpty()) {
                        throw new OrreryException(
                                ErrorCode.VALIDATION_ERROR, "the webhook cannot be made as it is", problems);
                    }
                    return null;
                },
                false);
    }

    private static List<Problem> problems(String text, String field) {
        return switch (Expression.ofRequest(text, field)) {
            case Reading.Compiled<String> _ -> List.of();
            case Reading.Refused<String>(var problems) -> problems;
        };
    }

    private static OrreryException unfit(String reason) {
        return new OrreryException(ErrorCode.VALIDATION_ERROR, "the delivery cannot be taken: " + reason);
    }

    private static OrreryException noWebhook(String name) {
        return new OrreryException(
                ErrorCode.WEBHOOK_NOT_FOUND, "there is no webhook '" + name + "'; make it with POST /api/v1/webhooks");
    }
}
