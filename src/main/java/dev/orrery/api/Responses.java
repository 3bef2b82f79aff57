package dev.orrery.api;

import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;

/** Writes answers that are known as a whole. */
final class Responses {

    private Responses() {}

    /** Completes when the answer is on its way, or the reader gone. */
    static Future<Void> send(HttpServerRequest request, Answer.Whole answer) {
        var response = request.response();
        response.setStatusCode(answer.status());
        answer.headers().forEach(response::putHeader);
        response.putHeader(HttpHeaders.CONTENT_TYPE, answer.contentType());
        response.putHeader(
                HttpHeaders.CONTENT_LENGTH, Integer.toString(answer.body().length()));
        return request.method().equals(HttpMethod.HEAD) ? response.end() : response.end(answer.body());
    }

    static void send(HttpServerRequest request, Answer.Empty answer) {
        var response = request.response();
        response.setStatusCode(answer.status());
        answer.headers().forEach(response::putHeader);
        response.end();
    }
}
