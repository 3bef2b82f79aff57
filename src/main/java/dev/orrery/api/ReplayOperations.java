package dev.orrery.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Times;
import dev.orrery.service.EventReplay;
import dev.orrery.service.EventReplay.Part;
import dev.orrery.service.EventReplay.Replayed;
import dev.orrery.store.ReplayRepository.Position;
import dev.orrery.store.ReplayRepository.Range;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/** The operations that publish events once more. */
final class ReplayOperations {

    private static final int LIMIT = 100;

    private final EventReplay replay;

    ReplayOperations(EventReplay replay) {
        this.replay = replay;
    }

    Map<String, Operation> byId() {
        return Map.of("replayEvent", this::one, "replayEvents", this::several);
    }

    private Future<Answer> one(ApiRequest request) {
        return replay.by(request.change())
                .replay(
                        request.tenant(),
                        EventId.parse(request.text("eventId")),
                        handlers(request.body()),
                        request.key())
                .map(replayed -> answer(new Part(List.of(replayed), Optional.empty()), false));
    }

    private Future<Answer> several(ApiRequest request) {
        var body = request.body();
        var range = new Range(
                body.getString("name"),
                time(body, "from"),
                time(body, "to"),
                Optional.ofNullable(body.getString("cursor")).map(ReplayOperations::position),
                body.getInteger("limit", LIMIT));
        var isLook = body.getBoolean("dryRun", false);
        var part = isLook
                ? replay.look(request.tenant(), range, handlers(body))
                : replay.by(request.change()).replay(request.tenant(), range, handlers(body), request.key());
        return part.map(done -> answer(done, isLook));
    }

    private static Optional<Set<JobId>> handlers(JsonObject body) {
        return Optional.ofNullable(body.getJsonArray("handlerIds"))
                .map(ids -> ids.stream().map(id -> JobId.parse((String) id)).collect(Collectors.toUnmodifiableSet()));
    }

    private static Instant time(JsonObject body, String field) {
        return Times.parse(body.getString(field))
                .orElseThrow(
                        () -> wrong(field, ProblemCode.INVALID_VALUE, "this is no time such as 2026-01-31T08:00:00Z"));
    }

    private static Position position(String cursor) {
        var parts = cursor.split(":", -1);
        try {
            if (parts.length == 2) {
                return new Position(
                        Instant.EPOCH.plus(Long.parseLong(parts[0]), ChronoUnit.MICROS), UUID.fromString(parts[1]));
            }
        } catch (IllegalArgumentException | DateTimeException | ArithmeticException _) {
            // Told below.
        }
        throw wrong("cursor", ProblemCode.BAD_CURSOR, "this is not a nextCursor of a replay");
    }

    private static String cursor(Position position) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, position.receivedAt()) + ":" + position.id();
    }

    private static OrreryException wrong(String field, ProblemCode code, String message) {
        return new OrreryException(
                ErrorCode.VALIDATION_ERROR, "the body has 1 problem", List.of(Problem.at(field, code, message)));
    }

    private static Answer answer(Part part, boolean isLook) {
        return Answer.json(200, out -> {
            out.writeStartObject();
            out.writeBooleanField("dryRun", isLook);
            out.writeFieldName("events");
            JsonShapes.array(out, part.events(), ReplayOperations::replayed);
            out.writeStringField(
                    "nextCursor", part.next().map(ReplayOperations::cursor).orElse(null));
            out.writeEndObject();
        });
    }

    private static void replayed(JsonGenerator out, Replayed replayed) throws IOException {
        out.writeStartObject();
        out.writeStringField("eventId", replayed.event().toString());
        out.writeStringField(
                "replayedAs",
                replayed.again().map(each -> each.event().id().toString()).orElse(null));
        out.writeNumberField(
                "executionsCount",
                replayed.again().map(each -> each.event().executions()).orElse(0));
        out.writeEndObject();
    }
}
