package dev.orrery.executor;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.dag.TaskType.Http;
import dev.orrery.domain.net.CallRules;
import dev.orrery.domain.net.Destination;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.testing.Ports;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.net.NetServer;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tasks that are to call what stands in the node's own network, by themselves or led by a server. */
class HttpInsideIT extends HttpTaskTestBase {

    private final List<HttpExecutor> opened = new ArrayList<>();

    @AfterEach
    void closeExecutors() {
        opened.forEach(executor -> await(executor.close()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "localhost",
                "[::1]",
                "[::ffff:127.0.0.1]",
                "[::ffff:7f00:1]",
                "[64:ff9b::7f00:1]",
                "2130706433",
                "127.1",
                "0"
            })
    void withoutPermissionNothingOfTheNodesOwnIsCalledHoweverItIsWritten(String host) {
        var asked = new AtomicInteger();
        var server = serve(request -> {
            asked.incrementAndGet();
            request.response().end();
        });

        var outcome =
                (Failed) run(executor(CallRules.DEFAULT), get("http://" + host + ":" + server.actualPort() + "/"));

        assertThat(outcome.error()).startsWith("http tasks may not call ").contains("tasks.http-allow");
        assertThat(outcome.retryable()).isFalse();
        assertThat(asked).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost.", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001"})
    void formsThatSystemsUnderstandDifferentlyReachNothing(String host) {
        var asked = new AtomicInteger();
        var server = serve(request -> {
            asked.incrementAndGet();
            request.response().end();
        });

        var outcome = run(executor(CallRules.DEFAULT), get("http://" + host + ":" + server.actualPort() + "/"));

        assertThat(outcome).isInstanceOf(Failed.class);
        assertThat(asked).hasValue(0);
    }

    @Test
    void aNameThatIsAllowedIsCalledByItsNameAtTheAddressThatWasChecked() {
        var server = serve(request -> request.response().end(request.getHeader("Host")));
        var lookup = new Lookup("127.0.0.1");
        var url = "http://shop.example:" + server.actualPort() + "/";

        var outcome = run(executor(rules("shop.example:" + server.actualPort()), lookup), get(url));

        assertThat(((AttemptOutcome.Succeeded) outcome).output().text())
                .contains("\"shop.example:" + server.actualPort() + "\"");
        assertThat(lookup.asked).containsExactly("shop.example");
    }

    @Test
    void theTlsHandshakeNamesTheHostOfTheUrl() throws IOException, InterruptedException {
        var names = new CopyOnWriteArrayList<String>();
        var server = serveTls(request -> {
            names.add(String.valueOf(request.connection().indicatedServerName()));
            request.response().end();
        });
        var options = new HttpClientOptions().setTrustAll(true).setVerifyHost(false);
        var executor = executor(rules("127.0.0.1"), new Lookup("127.0.0.1"), options);

        assertThat(run(executor, get("https://shop.example:" + server.actualPort() + "/")))
                .isInstanceOf(AttemptOutcome.Succeeded.class);
        assertThat(names).containsExactly("shop.example");
    }

    /** The name means a public address when it is checked, and one inside a moment later. */
    @Test
    void aNameThatChangesItsMeaningLeadsNowhereElse() {
        var asked = new AtomicInteger();
        var server = serve(request -> {
            asked.incrementAndGet();
            request.response().end();
        });
        var lookup = new Lookup("127.0.0.2", "127.0.0.1");
        var executor = executor(rules("127.0.0.2"), lookup);
        var url = "http://turning.example:" + server.actualPort() + "/";

        var first = (Failed) run(executor, get(url));
        var second = (Failed) run(executor, get(url));

        assertThat(first.error()).contains("cannot connect to turning.example").contains("127.0.0.2");
        assertThat(second.error()).contains("127.0.0.1, an address of turning.example, is loopback");
        assertThat(lookup.asked).as("once for each call").hasSize(2);
        assertThat(asked).hasValue(0);
    }

    @Test
    void aNameWithOneAddressInsideIsNotCalledAtItsOthers() {
        var outcome = (Failed) run(
                executor(CallRules.DEFAULT, host -> Future.succeededFuture(ips("1.1.1.1", "10.0.0.1"))),
                get("http://both.example/"));

        assertThat(outcome.error()).contains("10.0.0.1, an address of both.example, is private");
    }

    @Test
    void anAddressOfTheMachineItselfIsInsideEvenWhereItIsPublic() {
        AddressLookup lookup = host -> Future.succeededFuture(ips("1.1.1.1"));
        var call = new HttpCall(
                io.vertx.core.http.HttpMethod.GET,
                java.net.URI.create("http://me.example:5432/"),
                io.vertx.core.MultiMap.caseInsensitiveMultiMap(),
                Optional.empty(),
                false);

        var own = new AddressGate(CallRules.DEFAULT, lookup, () -> "http://127.0.0.1:8080", _ -> true);
        var allowed = new AddressGate(rules("1.1.1.1:5432"), lookup, () -> "http://127.0.0.1:8080", _ -> true);

        assertThat(own.pass(call, false).cause())
                .isInstanceOf(CannotStart.class)
                .hasMessageContaining("1.1.1.1, an address of me.example, is an address of the node's own machine");
        assertThat(allowed.pass(call, false).succeeded()).isTrue();
    }

    @Test
    void whereOneAddressTakesNoConnectionTheNextIsTried() {
        var server = serve(request -> request.response().end("there"));
        AddressLookup lookup = host -> Future.succeededFuture(ips("127.0.0.9", "127.0.0.1"));

        var outcome =
                run(executor(rules("127.0.0.0/8"), lookup), get("http://two.example:" + server.actualPort() + "/"));

        assertThat(outcome).isInstanceOf(AttemptOutcome.Succeeded.class);
    }

    @Test
    void aLookupThatTakesForeverIsGivenUp() {
        var outcome = (Failed) run(
                executor(
                        CallRules.DEFAULT,
                        host -> io.vertx.core.Promise.<List<InetAddress>>promise()
                                .future()),
                get("http://slow.example/"));

        assertThat(outcome.error()).contains("slow.example").contains("within 5 s");
        assertThat(outcome.retryable()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
                "http://[fd00:ec2::254]/latest/",
                "http://10.0.0.1/",
                "http://[::ffff:169.254.169.254]/",
                "//169.254.169.254/",
                "http://localhost:1/"
            })
    void aRedirectIsCheckedLikeTheFirstRequest(String location) {
        var server = redirecting(location);

        var attempt = start(executor(rules("127.0.0.1:" + server.actualPort())), get(url(server, "/")));
        var outcome = (Failed) attempt.outcome();

        assertThat(outcome.error()).startsWith("http tasks may not call ").contains("tasks.http-allow");
        assertThat(outcome.retryable()).isFalse();
        assertThat(attempt.text()).contains("302").contains("http tasks may not call");
    }

    @Test
    void theNodesOwnApiMayBeCalledWithoutPermission() {
        var api = serve(request -> request.response().end(request.uri()));

        var outcome = run(executor(CallRules.DEFAULT, api), get("${ORRERY_API}/runs/1"));

        assertThat(((AttemptOutcome.Succeeded) outcome).output().text()).contains("/api/v1/runs/1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "localhost", "127.0.0.2", "[::ffff:127.0.0.1]"})
    void noRedirectLeadsToTheNodesOwnApiEvenWhereItsAddressIsAllowed(String host) {
        var asked = new AtomicInteger();
        var api = serve(request -> {
            asked.incrementAndGet();
            request.response().end();
        });
        var server = redirecting("http://" + host + ":" + api.actualPort() + "/api/v1/cluster");

        var outcome = (Failed) run(executor(rules("127.0.0.0/8", "::/0"), api), get(url(server, "/")));

        assertThat(outcome.error()).contains("the node's own API, to which no redirect may lead");
        assertThat(asked).hasValue(0);
    }

    @Test
    void aRedirectDoesNotLeaveEncryption() throws IOException, InterruptedException {
        var asked = new AtomicInteger();
        var plain = serve(request -> {
            asked.incrementAndGet();
            request.response().end();
        });
        var server = serveTls(request -> request.response()
                .setStatusCode(302)
                .putHeader("Location", url(plain, "/"))
                .end());
        var options = new HttpClientOptions().setTrustAll(true).setVerifyHost(false);
        var executor = executor(rules("127.0.0.1"), new Lookup("127.0.0.1"), options);

        var outcome = (Failed) run(executor, get("https://127.0.0.1:" + server.actualPort() + "/"));

        assertThat(outcome.error()).contains("a redirect leads from https to http://127.0.0.1");
        assertThat(asked).hasValue(0);
    }

    @Test
    void aLoopOfRedirectsEnds() {
        var asked = new AtomicInteger();
        var server = serve(request -> {
            asked.incrementAndGet();
            request.response()
                    .setStatusCode(302)
                    .putHeader("Location", request.uri())
                    .end();
        });

        assertThat(((Failed) bench.run(get(url(server, "/round")))).error()).contains("more than 5 redirects");
        assertThat(asked).hasValue(6);
    }

    @Test
    void credentialsThatWereDroppedDoNotComeBackOnTheWayHome() {
        var seen = new CopyOnWriteArrayList<String>();
        var home = new HttpServer[1];
        var other = serve(request -> request.response()
                .setStatusCode(302)
                .putHeader("Location", url(home[0], "/back"))
                .end());
        home[0] = serve(request -> {
            seen.add(request.uri() + " " + request.getHeader("Authorization") + " " + request.getHeader("Cookie"));
            if (request.uri().equals("/")) {
                request.response()
                        .setStatusCode(302)
                        .putHeader("Location", url(other, "/"))
                        .end();
            } else {
                request.response().end();
            }
        });

        output(bench.start(new Http(
                "GET", url(home[0], "/"), Map.of("Authorization", "Bearer t", "Cookie", "c=1"), Optional.empty())));

        assertThat(seen).containsExactly("/ Bearer t c=1", "/back null null");
    }

    @Test
    void headersWithoutEndAreGivenUp() {
        var written = new AtomicInteger();
        var server = raw("HTTP/1.1 200 OK\r\n", "X-Flood: " + "x".repeat(1_000) + "\r\n", written);

        var outcome = (Failed) bench.run(get("http://127.0.0.1:" + server.actualPort() + "/"));

        assertThat(outcome.error()).contains("127.0.0.1:" + server.actualPort());
        assertThat(written.get()).as("lines that the server could write").isLessThan(20_000);
    }

    @Test
    void aHeaderWithoutEndIsGivenUp() {
        var server = raw("HTTP/1.1 200 OK\r\nX-Endless: ", "x".repeat(1_000), new AtomicInteger());

        assertThat(bench.run(get("http://127.0.0.1:" + server.actualPort() + "/")))
                .isInstanceOf(Failed.class);
    }

    @Test
    void trailersWithoutEndAreGivenUp() {
        var server = raw(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
                "X-Flood: " + "x".repeat(1_000) + "\r\n",
                new AtomicInteger());

        assertThat(bench.run(get("http://127.0.0.1:" + server.actualPort() + "/")))
                .isInstanceOf(Failed.class);
    }

    @Test
    void stoppingAbortsHeadersThatDrip() {
        var dripped = new AtomicInteger();
        var isGone = new AtomicBoolean();
        var server = await(bench.vertx
                .createNetServer()
                .connectHandler(socket -> {
                    socket.exceptionHandler(_ -> {});
                    socket.write("HTTP/1.1 200 OK\r\nX-Slow: ");
                    var timer = bench.vertx.setPeriodic(20, _ -> {
                        socket.write("a");
                        dripped.incrementAndGet();
                    });
                    socket.closeHandler(_ -> {
                        bench.vertx.cancelTimer(timer);
                        isGone.set(true);
                    });
                })
                .listen(0, "127.0.0.1"));
        var attempt = bench.start(get("http://127.0.0.1:" + server.actualPort() + "/"));
        until("headers drip", () -> dripped.get() > 3);

        attempt.execution().stop();

        assertThat(((Failed) attempt.outcome()).error()).contains("aborted");
        until("the connection is closed", isGone::get);
    }

    @ParameterizedTest
    @ValueSource(strings = {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"})
    void announcementsWithoutEndAreGivenUp(String announcement) {
        var written = new AtomicInteger();
        var server = raw(announcement, announcement, written);

        var outcome = (Failed) bench.run(get("http://127.0.0.1:" + server.actualPort() + "/"));

        assertThat(outcome.error()).contains("says more than 100 times that its answer will come");
        assertThat(written.get()).as("what the server could write").isLessThan(20_000);
    }

    /** A server that begins so and then repeats itself until nobody listens. */
    private NetServer raw(String beginning, String repeated, AtomicInteger written) {
        return await(bench.vertx
                .createNetServer()
                .connectHandler(socket -> {
                    var gone = new boolean[1];
                    socket.exceptionHandler(_ -> {});
                    socket.closeHandler(_ -> gone[0] = true);
                    socket.write(beginning);
                    bench.vertx.setPeriodic(1, timer -> {
                        if (gone[0]) {
                            bench.vertx.cancelTimer(timer);
                        } else if (!socket.writeQueueFull()) {
                            for (var n = 0; n < 10; n++) {
                                socket.write(Buffer.buffer(repeated));
                                written.incrementAndGet();
                            }
                        }
                    });
                })
                .listen(0, "127.0.0.1"));
    }

    private HttpServer redirecting(String location) {
        return serve(request -> request.response()
                .setStatusCode(302)
                .putHeader("Location", location)
                .end());
    }

    private HttpExecutor executor(CallRules rules) {
        return executor(rules, new SystemLookup(bench.vertx));
    }

    private HttpExecutor executor(CallRules rules, AddressLookup lookup) {
        return executor(rules, lookup, new HttpClientOptions());
    }

    private HttpExecutor executor(CallRules rules, AddressLookup lookup, HttpClientOptions options) {
        var api = "http://127.0.0.1:" + Ports.free() + "/api/v1";
        return kept(new HttpExecutor(bench.vertx, () -> api, rules, lookup, options));
    }

    private HttpExecutor executor(CallRules rules, HttpServer api) {
        return kept(new HttpExecutor(bench.vertx, () -> url(api, "/api/v1"), rules));
    }

    private HttpExecutor kept(HttpExecutor executor) {
        opened.add(executor);
        return executor;
    }

    private Workbench.Attempt start(HttpExecutor executor, Http task) {
        return bench.start(executor, Workbench.task(task), Map.of(), 1);
    }

    private AttemptOutcome run(HttpExecutor executor, Http task) {
        return start(executor, task).outcome();
    }

    private static CallRules rules(String... allow) {
        return new CallRules(
                Arrays.stream(allow)
                        .map(text -> Destination.parse(text).orElseThrow())
                        .toList(),
                List.of());
    }

    private static List<InetAddress> ips(String... texts) {
        return Arrays.stream(texts).map(InetAddress::ofLiteral).toList();
    }

    /** Answers each question with the next address; the last one stays. */
    private static final class Lookup implements AddressLookup {

        private final ArrayDeque<InetAddress> answers;
        private final List<String> asked = new CopyOnWriteArrayList<>();

        Lookup(String... answers) {
            this.answers = new ArrayDeque<>(ips(answers));
        }

        @Override
        public synchronized Future<List<InetAddress>> addresses(String host) {
            asked.add(host);
            return Future.succeededFuture(List.of(answers.size() > 1 ? answers.removeFirst() : answers.getFirst()));
        }
    }
}
