package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.LetterId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Times;
import dev.orrery.domain.dag.TaskDraft;
import dev.orrery.domain.task.InputEdit;
import dev.orrery.domain.task.LetterState;
import dev.orrery.service.deadletter.DeadLetterService;
import dev.orrery.store.DeadLetterRepository.Filter;
import dev.orrery.store.LetterRedriveRepository.Asked;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/** The operations tagged {@code Dead letters}. */
final class DeadLetterOperations {

    private static final String PATH = Contract.BASE_PATH + "/dead-letters/redrives/";
    private static final String ANYBODY = "api";

    /** What is kept with a request for many, and given to each of their tasks. */
    private static final int PATCH_MAX_BYTES = 64 << 10;

    private final DeadLetterService letters;

    DeadLetterOperations(DeadLetterService letters) {
        this.letters = letters;
    }

    Map<String, Operation> byId() {
        return Map.of(
                "listDeadLetters", this::list,
                "groupDeadLetters", this::groups,
                "getDeadLetter", this::get,
                "redriveDeadLetter", this::redrive,
                "discardDeadLetter", this::discard,
                "redriveDeadLetters", request -> all(request, Optional.empty()),
                "discardDeadLetters",
                        request -> all(request, Optional.of(request.body().getString("reason"))),
                "listRedrives", this::redrives,
                "cancelRedrive", this::cancel,
                "getRedrive", this::progress);
    }

    private Future<Answer> list(ApiRequest request) {
        var behind = request.optionalText("cursor").map(DeadLetterOperations::place);
        var limit = Math.toIntExact(request.number("limit"));
        return letters.list(request.tenant(), state(request), filter(request), behind, limit)
                .map(page -> Answer.json(200, out -> JsonShapes.cursorPage(out, page, DeadLetterShapes::letter)));
    }

    private Future<Answer> groups(ApiRequest request) {
        var limit = Math.toIntExact(request.number("limit"));
        return letters.groups(request.tenant(), state(request), filter(request), limit)
                .map(groups -> Answer.json(200, out -> DeadLetterShapes.groups(out, groups)));
    }

    private Future<Answer> get(ApiRequest request) {
        return letters.get(request.tenant(), id(request)).map(DeadLetterOperations::shown);
    }

    private Future<Answer> redrive(ApiRequest request) {
        var edit = edit(request.body(), TaskDraft.MAX_INPUT_BYTES);
        return letters.by(request.change())
                .redrive(request.tenant(), id(request), by(request), edit, request.key())
                .map(DeadLetterOperations::shown);
    }

    private static InputEdit edit(JsonObject body, int maxBytes) {
        if (body.containsKey("input") && body.containsKey("inputPatch")) {
            throw wrong(
                    "inputPatch",
                    ProblemCode.CONFLICTING_FIELDS,
                    "give either a whole 'input' or an 'inputPatch' of what was given before");
        }
        if (body.containsKey("input")) {
            return new InputEdit.Replace(fit(body, "input", maxBytes));
        }
        return body.containsKey("inputPatch")
                ? new InputEdit.Patch(fit(body, "inputPatch", PATCH_MAX_BYTES))
                : new InputEdit.None();
    }

    private static Json fit(JsonObject body, String field, int maxBytes) {
        var json = JsonBody.text(body.getMap().get(field));
        if (json.text().getBytes(UTF_8).length > maxBytes) {
            throw wrong(
                    field,
                    ProblemCode.OUT_OF_RANGE,
                    "'" + field + "' may have at most " + (maxBytes >> 10) + " KiB here");
        }
        return json;
    }

    private Future<Answer> discard(ApiRequest request) {
        var body = request.body();
        return letters.by(request.change())
                .discard(request.tenant(), id(request), by(request), body.getString("reason"), request.key())
                .map(DeadLetterOperations::shown);
    }

    private Future<Answer> redrives(ApiRequest request) {
        var behind = request.optionalText("cursor").map(cursor -> place(cursor).value());
        return letters.redrives(request.tenant(), behind, Math.toIntExact(request.number("limit")))
                .map(page -> Answer.json(200, out -> JsonShapes.cursorPage(out, page, DeadLetterShapes::redrive)));
    }

    private Future<Answer> cancel(ApiRequest request) {
        return letters.by(request.change())
                .cancelRedrive(request.tenant(), UUID.fromString(request.text("redriveId")), request.key())
                .map(redrive -> Answer.json(200, out -> DeadLetterShapes.redrive(out, redrive)));
    }

    /** Sends many back, or where there is a reason discards them. */
    private Future<Answer> all(ApiRequest request, Optional<String> reason) {
        var body = request.body();
        var asked = asked(request, reason);
        if (body.getBoolean("dryRun", false)) {
            return letters.count(request.tenant(), asked)
                    .map(count -> Answer.json(200, out -> DeadLetterShapes.preview(out, count)));
        }
        return letters.by(request.change())
                .redriveAll(request.tenant(), asked, request.key())
                .map(redrive -> Answer.json(202, out -> DeadLetterShapes.redrive(out, redrive))
                        .with("Location", PATH + redrive.id()));
    }

    private Future<Answer> progress(ApiRequest request) {
        return letters.redrive(request.tenant(), UUID.fromString(request.text("redriveId")))
                .map(redrive -> Answer.json(200, out -> DeadLetterShapes.redrive(out, redrive)));
    }

    private static Asked asked(ApiRequest request, Optional<String> reason) {
        var body = request.body();
        var ids = Optional.ofNullable(body.getJsonArray("ids"))
                .map(all -> all.stream().map(id -> LetterId.parse((String) id)).toList());
        var filter = Optional.ofNullable(body.getJsonObject("filter"));
        if (ids.isPresent() == filter.isPresent()) {
            throw wrong(
                    "filter", ProblemCode.CONFLICTING_FIELDS, "give either 'ids' or 'filter'; an empty one finds all");
        }
        if (ids.filter(List::isEmpty).isPresent()) {
            throw wrong("ids", ProblemCode.OUT_OF_RANGE, "'ids' names no letter; leave it out and give a 'filter'");
        }
        var rate = body.getInteger("ratePerSecond");
        return new Asked(
                ids,
                filter.map(DeadLetterOperations::filter).orElse(Filter.ALL),
                time(body, "asOf", "asOf"),
                rate == null ? OptionalInt.empty() : OptionalInt.of(rate),
                by(request),
                reason,
                edit(body, PATCH_MAX_BYTES),
                OptionalInt.empty());
    }

    private static Filter filter(JsonObject filter) {
        return new Filter(
                Optional.ofNullable(filter.getString("queue")),
                Optional.ofNullable(filter.getString("dag")),
                Optional.ofNullable(filter.getString("job")),
                Optional.ofNullable(filter.getString("name")),
                Optional.ofNullable(filter.getString("handler")),
                Optional.ofNullable(filter.getString("outcome")),
                Optional.ofNullable(filter.getString("fingerprint")),
                time(filter, "from", "filter.from"),
                time(filter, "to", "filter.to"));
    }

    private static Filter filter(ApiRequest request) {
        return new Filter(
                request.optionalText("queue"),
                request.optionalText("dag"),
                request.optionalText("job"),
                request.optionalText("name"),
                request.optionalText("handler"),
                request.optionalText("outcome"),
                request.optionalText("fingerprint"),
                JobOperations.time(request, "from"),
                JobOperations.time(request, "to"));
    }

    private static Optional<Instant> time(JsonObject from, String field, String path) {
        return Optional.ofNullable(from.getString(field))
                .map(text -> Times.parse(text)
                        .orElseThrow(() -> wrong(
                                path, ProblemCode.INVALID_VALUE, "this is no time such as 2026-01-31T08:00:00Z")));
    }

    private static OrreryException wrong(String path, ProblemCode code, String message) {
        return new OrreryException(
                ErrorCode.VALIDATION_ERROR, "the body has 1 problem", List.of(Problem.at(path, code, message)));
    }

    private static LetterState state(ApiRequest request) {
        return LetterState.ofWireName(request.text("state"));
    }

    /** Who decides: named in the body, else who says that he asks. */
    private static String by(ApiRequest request) {
        return Optional.ofNullable(request.body().getString("by"))
                .or(() -> request.change().actor().name())
                .orElse(ANYBODY);
    }

    private static LetterId place(String cursor) {
        try {
            return LetterId.parse(cursor);
        } catch (IllegalArgumentException _) {
            throw JobOperations.badCursor();
        }
    }

    private static LetterId id(ApiRequest request) {
        return LetterId.parse(request.text("letterId"));
    }

    private static Answer shown(DeadLetterService.Detail detail) {
        return Answer.json(200, out -> DeadLetterShapes.detail(out, detail));
    }
}
