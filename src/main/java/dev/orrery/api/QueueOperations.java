package dev.orrery.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.task.Durations;
import dev.orrery.domain.task.Limit;
import dev.orrery.domain.task.Rate;
import dev.orrery.service.QueueService;
import dev.orrery.store.QueueRepository.KeyLimit;
import dev.orrery.store.QueueRepository.StoredQueue;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** The operations tagged {@code Queues}. */
final class QueueOperations {

    private final QueueService queues;

    QueueOperations(QueueService queues) {
        this.queues = queues;
    }

    Map<String, Operation> byId() {
        return Map.of(
                "listQueues", this::list,
                "getQueue", this::get,
                "setQueue", this::set,
                "resetQueue", this::reset,
                "pauseQueue", this::pause,
                "resumeQueue", this::resume,
                "listLimits", this::limits,
                "getLimit", this::limit,
                "setLimit", this::setLimit,
                "deleteLimit", this::deleteLimit);
    }

    private Future<Answer> list(ApiRequest request) {
        var limit = Math.toIntExact(request.number("limit"));
        return queues.list(request.tenant(), request.optionalText("cursor"), limit)
                .map(page -> Answer.json(200, out -> JsonShapes.cursorPage(out, page, QueueOperations::show)));
    }

    private Future<Answer> get(ApiRequest request) {
        return queues.get(request.tenant(), request.text("queue")).map(QueueOperations::shown);
    }

    private Future<Answer> set(ApiRequest request) {
        var body = request.body();
        return queues.by(request.change())
                .set(request.tenant(), request.text("queue"), body.getInteger("weight", 1), limit(body))
                .map(QueueOperations::shown);
    }

    private Future<Answer> reset(ApiRequest request) {
        return queues.by(request.change())
                .reset(request.tenant(), request.text("queue"))
                .map(_ -> Answer.empty(204));
    }

    private Future<Answer> pause(ApiRequest request) {
        return queues.by(request.change())
                .pause(request.tenant(), request.text("queue"), request.key())
                .map(QueueOperations::shown);
    }

    private Future<Answer> resume(ApiRequest request) {
        return queues.by(request.change())
                .resume(request.tenant(), request.text("queue"), request.key())
                .map(QueueOperations::shown);
    }

    private Future<Answer> limits(ApiRequest request) {
        var limit = Math.toIntExact(request.number("limit"));
        return queues.limits(request.tenant(), request.optionalText("cursor"), limit)
                .map(page -> Answer.json(200, out -> JsonShapes.cursorPage(out, page, QueueOperations::show)));
    }

    private Future<Answer> limit(ApiRequest request) {
        return queues.limit(request.tenant(), request.text("key"))
                .map(found -> Answer.json(200, out -> show(out, found)));
    }

    private Future<Answer> setLimit(ApiRequest request) {
        return queues.by(request.change())
                .setLimit(request.tenant(), request.text("key"), limit(request.body()))
                .map(set -> Answer.json(200, out -> show(out, set)));
    }

    private Future<Answer> deleteLimit(ApiRequest request) {
        return queues.by(request.change())
                .deleteLimit(request.tenant(), request.text("key"))
                .map(_ -> Answer.empty(204));
    }

    private static Limit limit(JsonObject body) {
        var most = body.getInteger("maxRunning");
        return new Limit(
                most == null ? OptionalInt.empty() : OptionalInt.of(most),
                Optional.ofNullable(body.getJsonObject("rate")).map(QueueOperations::rate));
    }

    private static Rate rate(JsonObject rate) {
        var per = Durations.parse(rate.getString("per")).filter(QueueOperations::isFit);
        return new Rate(
                rate.getInteger("limit"),
                per.orElseThrow(() -> new OrreryException(
                        ErrorCode.VALIDATION_ERROR,
                        "the rate cannot be set as it is",
                        List.of(Problem.at(
                                "rate.per",
                                ProblemCode.OUT_OF_RANGE,
                                "'per' must be 1s to 24h, written like 1m or PT1M")))));
    }

    private static boolean isFit(Duration per) {
        return per.compareTo(Rate.PER_MIN) >= 0 && per.compareTo(Rate.PER_MAX) <= 0;
    }

    private static Answer shown(StoredQueue queue) {
        return Answer.json(200, out -> show(out, queue));
    }

    private static void show(JsonGenerator out, StoredQueue queue) throws IOException {
        out.writeStartObject();
        out.writeStringField("name", queue.name());
        out.writeNumberField("weight", queue.weight());
        show(out, queue.limit());
        out.writeBooleanField("paused", queue.paused());
        number(out, "running", queue.running());
        out.writeEndObject();
    }

    private static void show(JsonGenerator out, KeyLimit limit) throws IOException {
        out.writeStartObject();
        out.writeStringField("key", limit.key());
        show(out, limit.limit());
        out.writeEndObject();
    }

    private static void show(JsonGenerator out, Limit limit) throws IOException {
        number(out, "maxRunning", limit.maxRunning());
        if (limit.rate().isEmpty()) {
            out.writeNullField("rate");
            return;
        }
        out.writeObjectFieldStart("rate");
        out.writeNumberField("limit", limit.rate().get().limit());
        out.writeStringField("per", Durations.text(limit.rate().get().per()));
        out.writeEndObject();
    }

    private static void number(JsonGenerator out, String field, OptionalInt value) throws IOException {
        if (value.isPresent()) {
            out.writeNumberField(field, value.getAsInt());
        } else {
            out.writeNullField(field);
        }
    }
}
