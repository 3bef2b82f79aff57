package dev.orrery.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.webhook.Secret;
import dev.orrery.domain.webhook.Webhook;
import dev.orrery.domain.webhook.WebhookScheme;
import dev.orrery.service.WebhookService;
import dev.orrery.service.WebhookService.Delivery;
import dev.orrery.store.WebhookRepository.StoredWebhook;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The operations tagged {@code Webhooks}. */
final class WebhookOperations {

    /** What no expression is to see. */
    private static final Set<String> HIDDEN_HEADERS = Set.of("authorization", "proxy-authorization", "cookie");

    private final WebhookService webhooks;

    WebhookOperations(WebhookService webhooks) {
        this.webhooks = webhooks;
    }

    Map<String, Operation> byId() {
        return Map.of(
                "createWebhook", this::create,
                "listWebhooks", this::list,
                "getWebhook", this::get,
                "updateWebhook", this::update,
                "deleteWebhook", this::delete,
                "receiveWebhook", this::receive);
    }

    private Future<Answer> create(ApiRequest request) {
        var body = request.body();
        var webhook = webhook(body.getString("name"), body);
        return webhooks.by(request.change())
                .create(request.tenant(), webhook, secrets(body).orElseThrow(), request.key())
                .map(made -> Answer.json(201, out -> show(out, request.caller(), made))
                        .with("Location", path(webhook.name())));
    }

    private Future<Answer> list(ApiRequest request) {
        var limit = Math.toIntExact(request.number("limit"));
        return webhooks.list(request.tenant(), request.optionalText("cursor"), limit)
                .map(page -> Answer.json(
                        200, out -> JsonShapes.cursorPage(out, page, (to, each) -> show(to, request.caller(), each))));
    }

    private Future<Answer> get(ApiRequest request) {
        return webhooks.get(request.tenant(), request.text("webhook"))
                .map(found -> Answer.json(200, out -> show(out, request.caller(), found)));
    }

    private Future<Answer> update(ApiRequest request) {
        var changes = request.body();
        return webhooks.by(request.change())
                .change(
                        request.tenant(),
                        request.text("webhook"),
                        present -> changed(present, changes),
                        secrets(changes))
                .map(changed -> Answer.json(200, out -> show(out, request.caller(), changed)));
    }

    private Future<Answer> delete(ApiRequest request) {
        return webhooks.by(request.change())
                .delete(request.tenant(), request.text("webhook"))
                .map(_ -> Answer.empty(204));
    }

    private Future<Answer> receive(ApiRequest request) {
        var sent = request.sent().orElseThrow();
        var headers = new HashMap<String, String>();
        sent.headers()
                .forEach(header -> headers.putIfAbsent(header.getKey().toLowerCase(Locale.ROOT), header.getValue()));
        headers.keySet().removeAll(HIDDEN_HEADERS);
        request.span().ifPresent(span -> headers.put("traceparent", span.place().traceparent()));
        var delivery = new Delivery(
                headers,
                sent.body(),
                () -> JsonBody.text(JsonBody.parse(sent.body().getBytes()).value()),
                request.key());
        return webhooks.by(request.change())
                .receive(request.text("tenant"), request.text("webhook"), delivery)
                .map(received -> Answer.json(202, out -> {
                    out.writeStartObject();
                    out.writeStringField("eventId", received.event().toString());
                    out.writeBooleanField("repeated", received.repeated());
                    out.writeEndObject();
                }));
    }

    private static Webhook changed(Webhook present, JsonObject changes) {
        var body = new JsonObject()
                .put("scheme", present.scheme().wireName())
                .put("toleranceSeconds", present.tolerance().toSeconds());
        present.header().ifPresent(header -> body.put("header", header));
        present.eventName().ifPresent(name -> body.put("eventName", name));
        present.eventNameFrom().ifPresent(text -> body.put("eventNameFrom", text));
        present.keyFrom().ifPresent(text -> body.put("keyFrom", text));
        changes.forEach(change -> {
            if (change.getValue() == null) {
                body.remove(change.getKey());
            } else {
                body.put(change.getKey(), change.getValue());
            }
        });
        return webhook(present.name(), body);
    }

    private static Webhook webhook(String name, JsonObject body) {
        var problems = new ArrayList<Problem>();
        var scheme = WebhookScheme.ofWireName(body.getString("scheme", WebhookScheme.STANDARD.wireName()));
        var header = text(body, "header");
        if (scheme == WebhookScheme.PLAIN && header.isEmpty()) {
            problems.add(Problem.at("header", ProblemCode.MISSING_FIELD, "the scheme plain needs the header's name"));
        } else if (scheme != WebhookScheme.PLAIN && header.isPresent()) {
            problems.add(Problem.at(
                    "header",
                    ProblemCode.CONFLICTING_FIELDS,
                    "the scheme " + scheme.wireName() + " has its own header"));
        }
        var eventName = text(body, "eventName");
        var eventNameFrom = text(body, "eventNameFrom");
        if (eventName.isPresent() == eventNameFrom.isPresent()) {
            problems.add(Problem.at(
                    "eventName",
                    eventName.isPresent() ? ProblemCode.CONFLICTING_FIELDS : ProblemCode.MISSING_FIELD,
                    "either eventName or eventNameFrom is given"));
        }
        refuse(problems);
        return new Webhook(
                name,
                scheme,
                header.map(text -> text.toLowerCase(Locale.ROOT)),
                Duration.ofSeconds(body.getLong("toleranceSeconds", Webhook.DEFAULT_TOLERANCE.toSeconds())),
                eventName,
                eventNameFrom,
                text(body, "keyFrom"));
    }

    /** What is wrong with a secret is told without it. */
    private static Optional<List<Secret>> secrets(JsonObject body) {
        var given = body.getJsonArray("secrets");
        if (given == null) {
            return Optional.empty();
        }
        var problems = new ArrayList<Problem>();
        for (var n = 0; n < given.size(); n++) {
            if (!Secret.isFit(given.getString(n))) {
                problems.add(Problem.at(
                        "secrets[" + n + "]",
                        ProblemCode.INVALID_VALUE,
                        "a secret has " + Secret.LENGTH_MIN + " to " + Secret.LENGTH_MAX
                                + " characters; what follows 'whsec_' is Base64 of at least " + Secret.LENGTH_MIN
                                + " bytes"));
            }
        }
        refuse(problems);
        return Optional.of(texts(given).stream().map(Secret::new).toList());
    }

    private static List<String> texts(JsonArray array) {
        return array.stream().map(String.class::cast).toList();
    }

    private static void refuse(List<Problem> problems) {
        if (!problems.isEmpty()) {
            throw new OrreryException(ErrorCode.VALIDATION_ERROR, "the webhook cannot be made as it is", problems);
        }
    }

    private static Optional<String> text(JsonObject body, String field) {
        return Optional.ofNullable(body.getString(field));
    }

    private static String path(String name) {
        return Contract.BASE_PATH + "/webhooks/" + name;
    }

    private static void show(JsonGenerator out, Tenant tenant, StoredWebhook stored) throws IOException {
        var webhook = stored.webhook();
        out.writeStartObject();
        out.writeStringField("name", webhook.name());
        out.writeStringField(
                "path", path(webhook.name()) + (tenant.equals(Tenant.DEFAULT) ? "" : "?tenant=" + tenant.name()));
        out.writeStringField("scheme", webhook.scheme().wireName());
        out.writeStringField("header", webhook.header().orElse(null));
        out.writeNumberField("toleranceSeconds", webhook.tolerance().toSeconds());
        out.writeStringField("eventName", webhook.eventName().orElse(null));
        out.writeStringField("eventNameFrom", webhook.eventNameFrom().orElse(null));
        out.writeStringField("keyFrom", webhook.keyFrom().orElse(null));
        out.writeNumberField("secrets", stored.secrets());
        out.writeStringField("platformId", tenant.name());
        JsonShapes.time(out, "createdAt", stored.createdAt());
        JsonShapes.time(out, "updatedAt", stored.updatedAt());
        out.writeEndObject();
    }
}
