package dev.orrery.api;

import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Calls a node, waits for the answer, and holds each one against the contract. */
public final class ApiClient {

    private static final int LIMIT_SECONDS = 20;

    private final HttpClient http;
    private final ContractCheck check;
    private final int port;

    /** An answer that agrees with the contract. */
    public record Reply(int status, MultiMap headers, Buffer body) {

        public JsonObject json() {
            return body.toJsonObject();
        }

        public JsonArray array() {
            return body.toJsonArray();
        }

        /** The code of an error. */
        public String code() {
            return json().getString("code");
        }

        /** The first problem of an error. */
        public JsonObject problem() {
            return json().getJsonArray("details").getJsonObject(0);
        }

        public String header(String name) {
            return headers.get(name);
        }
    }

    /** A call that is being put together. */
    public final class Call {

        private final String method;
        private final String uri;
        private final MultiMap headers = MultiMap.caseInsensitiveMultiMap();
        private Buffer body = Buffer.buffer();

        private Call(String method, String uri) {
            this.method = method;
            this.uri = uri;
        }

        public Call header(String name, String value) {
            headers.add(name, value);
            return this;
        }

        public Call body(String contentType, Buffer content) {
            headers.set("Content-Type", contentType);
            body = content;
            return this;
        }

        public Call json(String text) {
            return body("application/json", Buffer.buffer(text));
        }

        public Call json(JsonObject object) {
            return json(object.encode());
        }

        /** Sends it without waiting. */
        public Future<Reply> start() {
            var options = new RequestOptions()
                    .setHost("127.0.0.1")
                    .setPort(port)
                    .setURI(uri)
                    .setMethod(HttpMethod.valueOf(method));
            return http.request(options).compose(request -> {
                headers.forEach(entry -> request.headers().add(entry.getKey(), entry.getValue()));
                var sent = body.length() > 0 ? request.send(body) : request.send();
                return sent.compose(this::read);
            });
        }

        /** Called on the event loop: a thread of a test may come too late to hear the body. */
        private Future<Reply> read(HttpClientResponse response) {
            return response.body().map(bytes -> {
                check.check(method, uri, response.statusCode(), response.headers(), bytes);
                return new Reply(response.statusCode(), response.headers(), bytes);
            });
        }

        public Reply send() {
            return await(start());
        }
    }

    public ApiClient(Vertx vertx, Contract contract, int port) {
        this.http = vertx.createHttpClient(new HttpClientOptions(), new PoolOptions().setHttp1MaxSize(64));
        this.check = new ContractCheck(contract);
        this.port = port;
    }

    public Call get(String uri) {
        return new Call("GET", uri);
    }

    public Call post(String uri) {
        return new Call("POST", uri);
    }

    public Call put(String uri) {
        return new Call("PUT", uri);
    }

    public Call delete(String uri) {
        return new Call("DELETE", uri);
    }

    public Call call(String method, String uri) {
        return new Call(method, uri);
    }

    /** Opens a stream and reads its events as they come. */
    public EventReader events(String uri, Consumer<MultiMap> headers) {
        var given = MultiMap.caseInsensitiveMultiMap();
        headers.accept(given);
        var options = new RequestOptions().setHost("127.0.0.1").setPort(port).setURI(uri);
        return await(http.request(options).compose(request -> {
            given.forEach(entry -> request.putHeader(entry.getKey(), entry.getValue()));
            return request.send().compose(response -> {
                if (response.statusCode() == 200) {
                    check.check("GET", uri, 200, response.headers(), Buffer.buffer());
                    return Future.succeededFuture(EventReader.of(response));
                }
                return response.body().map(body -> {
                    check.check("GET", uri, response.statusCode(), response.headers(), body);
                    return EventReader.refused(response);
                });
            });
        }));
    }

    public EventReader events(String uri) {
        return events(uri, _ -> {});
    }

    public static <T> T await(Future<T> future) {
        try {
            return future.await(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("no answer within " + LIMIT_SECONDS + " s", e);
        }
    }
}
