package dev.orrery.api;

import static dev.orrery.api.JsonShapes.json;
import static dev.orrery.api.JsonShapes.optional;
import static dev.orrery.api.JsonShapes.text;
import static dev.orrery.api.JsonShapes.time;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.domain.Json;
import dev.orrery.service.AttemptStatus;
import dev.orrery.service.deadletter.DeadLetterService;
import dev.orrery.store.DeadLetterRepository;
import dev.orrery.store.DeadLetterRepository.Filter;
import dev.orrery.store.DeadLetterRepository.LetterGroup;
import dev.orrery.store.DeadLetterRepository.StoredLetter;
import dev.orrery.store.LetterRedriveRepository.Refusal;
import dev.orrery.store.LetterRedriveRepository.StoredRedrive;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** How dead letters look as JSON. */
final class DeadLetterShapes {

    private DeadLetterShapes() {}

    static void letter(JsonGenerator out, StoredLetter letter) throws IOException {
        out.writeStartObject();
        fields(out, letter);
        out.writeEndObject();
    }

    static void detail(JsonGenerator out, DeadLetterService.Detail detail) throws IOException {
        var letter = detail.found().letter();
        out.writeStartObject();
        fields(out, letter);
        json(out, "definition", detail.found().definition());
        json(out, "input", detail.found().input());
        json(out, "redriveInput", detail.found().newInput().orElse(Json.NULL));
        json(out, "lastOutput", detail.found().lastOutput());
        out.writeFieldName("attempts");
        JsonShapes.array(
                out,
                detail.attempts(),
                (array, attempt) -> JsonShapes.attempt(
                        array,
                        letter.task(),
                        new AttemptStatus(
                                attempt.attempt(),
                                attempt.outcome(),
                                attempt.fence(),
                                attempt.workerId(),
                                attempt.error(),
                                attempt.startedAt(),
                                attempt.completedAt())));
        out.writeEndObject();
    }

    private static void fields(JsonGenerator out, StoredLetter letter) throws IOException {
        text(out, "id", letter.id());
        text(out, "taskInstanceId", letter.task());
        out.writeNumberField("attempt", letter.attempt());
        out.writeStringField("name", letter.name());
        out.writeStringField("queue", letter.queue());
        optional(out, "runId", letter.run());
        optional(out, "dagId", letter.dagId());
        optional(out, "dag", letter.dag());
        optional(out, "job", letter.job());
        optional(out, "handler", letter.handler());
        out.writeStringField("outcome", letter.outcome());
        optional(out, "error", letter.error());
        out.writeStringField("fingerprint", letter.fingerprint());
        out.writeStringField("state", letter.state().wireName());
        out.writeNumberField("redrives", letter.redrives());
        time(out, "createdAt", letter.createdAt());
        time(out, "resolvedAt", letter.resolvedAt());
        optional(out, "resolvedBy", letter.resolvedBy());
        optional(out, "reason", letter.reason());
        optional(out, "redriveId", letter.redrive());
    }

    static void groups(JsonGenerator out, List<LetterGroup> groups) throws IOException {
        out.writeStartObject();
        out.writeFieldName("items");
        JsonShapes.array(out, groups, DeadLetterShapes::group);
        out.writeBooleanField(
                "isComplete", groups.isEmpty() || groups.getFirst().lookedAt() < DeadLetterRepository.COUNTED_MAX);
        out.writeNullField("nextCursor");
        out.writeEndObject();
    }

    private static void group(JsonGenerator out, LetterGroup group) throws IOException {
        out.writeStartObject();
        out.writeStringField("fingerprint", group.fingerprint());
        out.writeNumberField("count", group.letters());
        time(out, "firstAt", group.firstAt());
        time(out, "lastAt", group.lastAt());
        out.writeObjectFieldStart("sample");
        text(out, "id", group.sample());
        text(out, "taskInstanceId", group.task());
        out.writeStringField("name", group.name());
        out.writeStringField("outcome", group.outcome());
        optional(out, "error", group.error());
        out.writeEndObject();
        out.writeEndObject();
    }

    static void preview(JsonGenerator out, int count) throws IOException {
        out.writeStartObject();
        out.writeBooleanField("dryRun", true);
        out.writeNumberField("count", count);
        out.writeBooleanField("isComplete", count < DeadLetterRepository.COUNTED_MAX);
        out.writeEndObject();
    }

    private static String state(StoredRedrive redrive) {
        if (redrive.endedAt().isEmpty()) {
            return "running";
        }
        return redrive.cancelledAt().isPresent() ? "cancelled" : "ended";
    }

    static void redrive(JsonGenerator out, StoredRedrive redrive) throws IOException {
        out.writeStartObject();
        text(out, "id", redrive.id());
        out.writeStringField("action", redrive.reason().isPresent() ? "discard" : "redrive");
        out.writeStringField("state", state(redrive));
        JsonShapes.number(out, "ids", redrive.named());
        if (redrive.named().isPresent()) {
            out.writeNullField("filter");
        } else {
            out.writeFieldName("filter");
            filter(out, redrive.filter());
        }
        optional(out, "inputEdit", redrive.edit());
        optional(out, "reason", redrive.reason());
        time(out, "asOf", redrive.asOf());
        JsonShapes.number(out, "ratePerSecond", redrive.ratePerSecond());
        out.writeStringField("by", redrive.by());
        time(out, "createdAt", redrive.createdAt());
        time(out, "endedAt", redrive.endedAt());
        JsonShapes.number(out, "expected", redrive.expected());
        out.writeNumberField("redriven", redrive.redriven());
        out.writeNumberField("refused", redrive.refused());
        out.writeFieldName("refusals");
        JsonShapes.array(out, redrive.refusals(), DeadLetterShapes::refusal);
        out.writeEndObject();
    }

    private static void refusal(JsonGenerator out, Refusal refusal) throws IOException {
        out.writeStartObject();
        out.writeStringField("reason", refusal.reason());
        out.writeNumberField("count", refusal.count());
        text(out, "sample", refusal.letter());
        out.writeEndObject();
    }

    /** What was asked for, and no more. */
    private static void filter(JsonGenerator out, Filter filter) throws IOException {
        out.writeStartObject();
        given(out, "queue", filter.queue());
        given(out, "dag", filter.dag());
        given(out, "job", filter.job());
        given(out, "name", filter.name());
        given(out, "handler", filter.handler());
        given(out, "outcome", filter.outcome());
        given(out, "fingerprint", filter.fingerprint());
        if (filter.from().isPresent()) {
            time(out, "from", filter.from());
        }
        if (filter.to().isPresent()) {
            time(out, "to", filter.to());
        }
        out.writeEndObject();
    }

    private static void given(JsonGenerator out, String field, Optional<String> value) throws IOException {
        if (value.isPresent()) {
            out.writeStringField(field, value.get());
        }
    }
}
