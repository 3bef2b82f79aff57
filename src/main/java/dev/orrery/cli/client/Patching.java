package dev.orrery.cli.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Sends a PATCH, a method that {@link java.net.HttpURLConnection} does not know. The JDK's other client does, but takes much longer
 * to come up, which whoever waits for a command would feel; so it serves this method alone.
 */
final class Patching {

    private final Duration connectLimit;
    private final Duration answerLimit;
    private final int bodyLimit;

    Patching(Duration connectLimit, Duration answerLimit, int bodyLimit) {
        this.connectLimit = connectLimit;
        this.answerLimit = answerLimit;
        this.bodyLimit = bodyLimit;
    }

    /** The node's answer; fails with the exceptions that a {@link java.net.HttpURLConnection} fails with. */
    Response send(URI address, Map<String, String> headers, String body) throws IOException {
        var request = HttpRequest.newBuilder(address).method("PATCH", BodyPublishers.ofString(body, UTF_8));
        headers.forEach(request::setHeader);
        var client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(connectLimit)
                .build();
        try {
            var answer = client.sendAsync(
                            request.build(), BodyHandlers.limiting(BodyHandlers.ofString(UTF_8), bodyLimit))
                    .get(answerLimit.toMillis(), TimeUnit.MILLISECONDS);
            return response(answer);
        } catch (TimeoutException late) {
            throw new SocketTimeoutException("no answer within " + answerLimit);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } catch (ExecutionException failed) {
            throw like(failed.getCause());
        } finally {
            client.shutdownNow();
        }
    }

    private static Response response(HttpResponse<String> answer) {
        return new Response(answer.statusCode(), answer.body(), answer.headers().firstValue(Response.RETRY_AFTER));
    }

    private static IOException like(@Nullable Throwable failure) {
        return switch (failure) {
            case ConnectException refused
            when refused.getCause() instanceof UnresolvedAddressException -> new UnknownHostException();
            case HttpTimeoutException late -> new SocketTimeoutException(late.getMessage());
            case IOException broken -> broken;
            case null, default -> new IOException(failure);
        };
    }
}
