package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.Json;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import dev.orrery.domain.task.FailureKind;
import dev.orrery.domain.task.FailureKind.NamedError;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpHeaders;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** One attempt at an http task. All of it happens on the event loop that started it. */
final class HttpExecution implements Execution {

    private static final int MAX_REDIRECTS = 5;
    private static final int MAX_ADDRESSES = 8;

    /** Answers that only say that one will come. Nobody limits those else, and they keep an event loop busy. */
    private static final int MAX_ANNOUNCED = 100;

    private static final int BODY_LIMIT = 1 << 20;
    private static final int FAILURE_BODY_LIMIT = 8 << 10;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

    private final HttpClient client;
    private final AddressGate gate;
    private final Context context;
    private final AttemptLog log;
    private final Promise<AttemptOutcome> outcome = Promise.promise();

    private SecretMask mask = SecretMask.NONE;
    private @Nullable HttpClientRequest current;
    private int announced;

    HttpExecution(HttpClient client, AddressGate gate, Context context, AttemptLog log) {
        this.client = client;
        this.gate = gate;
        this.context = context;
        this.log = log;
    }

    @Override
    public Future<AttemptOutcome> outcome() {
        return outcome.future();
    }

    @Override
    public void stop() {
        context.runOnContext(_ -> {
            complete(new Failed("the request was aborted", true));
            if (current != null) {
                current.reset();
            }
        });
    }

    /** {@code mask}: hides what may not be told. From any thread. */
    void begin(HttpCall call, SecretMask mask) {
        context.runOnContext(_ -> {
            this.mask = mask;
            if (!outcome.future().isComplete()) {
                send(call, 0);
            }
        });
    }

    /** It cannot begin, for this reason. From any thread. */
    void refuse(CannotStart wrong) {
        context.runOnContext(_ -> {
            tell(wrong.reason());
            complete(new Failed(wrong.reason(), false, new FailureKind.CouldNotStart()));
        });
    }

    private void complete(AttemptOutcome result) {
        outcome.tryComplete(
                switch (result) {
                    case Succeeded(var output) -> new Succeeded(hidden(output));
                    case Failed(var error, var retryable, var kind, var retryAfter) ->
                        new Failed(mask.hidden(error), retryable, kind, retryAfter);
                    default -> result;
                });
    }

    /** What is hidden in a number, or in a word of JSON, leaves none: then it is told as a text. */
    private Json hidden(Json output) {
        var hidden = mask.hidden(output.text());
        return hidden.equals(output.text())
                        || OutputJson.read(hidden.getBytes(UTF_8)) instanceof OutputJson.Reading.Value
                ? new Json(hidden)
                : new Json(io.vertx.core.json.Json.encode(hidden));
    }

    private void tell(String line) {
        log.line(mask.hidden(line));
    }

    private void send(HttpCall call, int redirects) {
        tell(call.method() + " " + call.printableUrl());
        var sent = System.nanoTime();
        gate.pass(call, redirects > 0)
                .compose(addresses -> connect(call, addresses, sent + HttpExecutor.CONNECT_TIMEOUT.toNanos()))
                .compose(request -> answerTo(request, call))
                .onSuccess(response -> receive(call, redirects, sent, response))
                .onFailure(error -> fail(call, error));
    }

    /** To the first address that takes the connection; all of them have passed the gate. */
    private Future<HttpClientRequest> connect(HttpCall call, List<InetAddress> addresses, long deadline) {
        if (outcome.future().isComplete()) {
            return Future.failedFuture("stopped before it was sent");
        }
        var left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
        var others = addresses.subList(1, Math.min(addresses.size(), MAX_ADDRESSES));
        return client.request(call.options(addresses.getFirst(), left))
                .recover(error -> error instanceof SocketException && !others.isEmpty() && System.nanoTime() < deadline
                        ? connect(call, others, deadline)
                        : Future.failedFuture(error));
    }

    private Future<HttpClientResponse> answerTo(HttpClientRequest request, HttpCall call) {
        current = request;
        // Whatever goes wrong fails the response; without a handler it would be logged as well.
        request.exceptionHandler(_ -> {});
        request.connection().exceptionHandler(_ -> {});
        request.continueHandler(_ -> announced(call, request));
        request.earlyHintsHandler(_ -> announced(call, request));
        if (outcome.future().isComplete()) {
            request.reset();
            return Future.failedFuture("stopped before it was sent");
        }
        // The body is received by a handler set in the same turn of the event loop, so nothing of it is missed.
        return call.body().isPresent() ? request.send(call.body().get()) : request.send();
    }

    private void announced(HttpCall call, HttpClientRequest request) {
        announced++;
        if (announced > MAX_ANNOUNCED && !outcome.future().isComplete()) {
            var error = call.hostAndPort() + " says more than " + MAX_ANNOUNCED + " times that its answer will come";
            tell(error);
            complete(new Failed(error, true, new NamedError("NoAnswer")));
            request.reset();
        }
    }

    private void receive(HttpCall call, int redirects, long sent, HttpClientResponse response) {
        @Nullable String location = response.getHeader(HttpHeaders.LOCATION);
        if (REDIRECTS.contains(response.statusCode()) && location != null) {
            tell(response.statusCode() + " " + response.statusMessage());
            abandon(response);
            redirect(call, redirects, response.statusCode(), location);
            return;
        }
        var success = response.statusCode() >= 200 && response.statusCode() < 300;
        var body = Buffer.buffer();
        response.exceptionHandler(error -> fail(call, error));
        response.handler(part -> {
            body.appendBuffer(part);
            if (success && body.length() > BODY_LIMIT) {
                tooLarge(response);
            } else if (!success && body.length() > FAILURE_BODY_LIMIT) {
                // Enough to say what is wrong.
                finish(sent, response, body, false);
                abandon(response);
            }
        });
        response.endHandler(_ -> finish(sent, response, body, success));
    }

    private void redirect(HttpCall call, int redirects, int status, String location) {
        if (redirects == MAX_REDIRECTS) {
            complete(new Failed("more than " + MAX_REDIRECTS + " redirects", true, new NamedError("TooManyRedirects")));
            return;
        }
        try {
            send(call.redirected(status, location), redirects + 1);
        } catch (CannotStart nowhere) {
            complete(new Failed(nowhere.reason(), true, new NamedError("BadRedirect")));
        }
    }

    private void finish(long sent, HttpClientResponse response, Buffer body, boolean success) {
        if (outcome.future().isComplete()) {
            return;
        }
        var bytes = body.getBytes();
        mask.hide(bytes, 0, bytes.length);
        var answer = new HttpAnswer(
                response.statusCode(), response.statusMessage(), response.headers(), Buffer.buffer(bytes));
        var millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - sent);
        tell((answer.status() + " " + answer.reason()).strip() + ", " + body.length() + " bytes, " + millis + " ms");
        complete(success ? new Succeeded(answer.output()) : answer.failure());
    }

    private void tooLarge(HttpClientResponse response) {
        complete(new Failed(
                "the body of the answer has more than " + BODY_LIMIT + " bytes",
                false,
                new NamedError("BodyTooLarge")));
        abandon(response);
    }

    private void fail(HttpCall call, Throwable error) {
        if (outcome.future().isComplete()) {
            return;
        }
        var message = describe(call, error);
        tell(message);
        complete(new Failed(message, !(error instanceof CannotStart), kind(error)));
    }

    private static void abandon(HttpClientResponse response) {
        response.handler(null);
        response.endHandler(null);
        response.exceptionHandler(_ -> {});
        response.request().reset();
    }

    private static String describe(HttpCall call, Throwable error) {
        var where = call.hostAndPort();
        return LogText.clean(
                switch (error) {
                    case CannotStart refused -> refused.reason();
                    case UnknownHostException _ -> "cannot find the host of " + where + " (DNS)";
                    case TimeoutException _ -> noConnectionInTime(where);
                    case ConnectException e
                    when String.valueOf(e.getMessage()).contains("timed out") -> noConnectionInTime(where);
                    case ConnectException e -> "cannot connect to " + where + ": " + e.getMessage();
                    case SSLException e -> "no trustworthy TLS connection to " + where + ": " + rootMessage(e);
                    case HttpClosedException _ -> where + " closed the connection before its answer was complete";
                    default -> "the request to " + where + " failed: " + rootMessage(error);
                });
    }

    private static NamedError kind(Throwable error) {
        return new NamedError(
                switch (error) {
                    case CannotStart _ -> "AddressDenied";
                    case UnknownHostException _ -> "UnknownHost";
                    case TimeoutException _ -> "ConnectionTimeout";
                    case ConnectException e
                    when String.valueOf(e.getMessage()).contains("timed out") -> "ConnectionTimeout";
                    case ConnectException _ -> "ConnectionRefused";
                    case SSLException _ -> "Tls";
                    case HttpClosedException _ -> "ConnectionClosed";
                    default -> "RequestFailed";
                });
    }

    private static String noConnectionInTime(String where) {
        return "no connection to " + where + " within " + HttpExecutor.CONNECT_TIMEOUT.toSeconds() + " s";
    }

    private static String rootMessage(Throwable error) {
        var root = error;
        for (var depth = 0; root.getCause() != null && depth < 10; depth++) {
            root = root.getCause();
        }
        return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }
}
