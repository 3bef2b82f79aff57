package dev.orrery.executor;

import static dev.orrery.testing.Await.until;
import static dev.orrery.testing.LogTexts.timeless;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.config.ConfigException;
import dev.orrery.domain.Json;
import dev.orrery.domain.dag.TaskType.Handler;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Snoozed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import dev.orrery.domain.task.FailureKind.NamedError;
import dev.orrery.domain.task.TaskTokens;
import dev.orrery.telemetry.BlockedThreads;
import dev.orrery.testing.HandlerJarFile;
import dev.orrery.testing.LogLines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Handlers in jars, as users make them. */
class HandlerJarsTest {

    private static final CallAccess ACCESS =
            new CallAccess(() -> "http://127.0.0.1", new TaskTokens(new byte[TaskTokens.SECRET_BYTES]));

    private static final Duration STOP_GRACE = Duration.ofSeconds(5);

    @TempDir
    private Path folder;

    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (var one : open.reversed()) {
            one.close();
        }
    }

    @Test
    void whatAHandlerRepliesIsTheOutput() throws IOException {
        var bench = bench("""
                register("sum", call -> Future.succeededFuture(new JsonObject().put("sum", call.inputObject().stream()
                    .mapToInt(field -> (Integer) field.getValue()).sum())));
                registerBlocking("blocking-text", call -> "got " + call.inputText());
                register("nothing", call -> Future.succeededFuture());
                register("list", call -> Future.succeededFuture(List.of(1, Map.of("a", true))));
                """);

        assertThat(bench.run(handler("sum", "{\"a\":1,\"b\":2}"))).isEqualTo(new Succeeded(new Json("{\"sum\":3}")));
        assertThat(bench.run(handler("blocking-text", "[1]"))).isEqualTo(new Succeeded(new Json("\"got [1]\"")));
        assertThat(bench.run(handler("nothing", "1"))).isEqualTo(new Succeeded(Json.NULL));
        assertThat(bench.run(handler("list", "null"))).isEqualTo(new Succeeded(new Json("[1,{\"a\":true}]")));
    }

    @Test
    void aHandlerKnowsItsAttempt() throws IOException {
        var bench = bench("""
                register("who", call -> Future.succeededFuture(List.of(call.handler(), call.runId().toString(),
                    call.taskInstanceId().toString(), call.attempt(), call.fence(), call.input(),
                    call.traceparent().isPresent(), call.tenant())));
                """);

        var attempt = bench.start(handler("who", "[7]"));

        var context = attempt.context();
        assertThat(attempt.outcome())
                .isEqualTo(new Succeeded(new Json("[\"who\",\"" + Workbench.RUN + "\",\"" + context.instanceId()
                        + "\",1,77,[7],true,\"acme\"]")));
    }

    @Test
    void anOutputThatCannotBeTakenFailsForGood() throws IOException {
        var bench = bench("""
                registerBlocking("odd", call -> new Object());
                registerBlocking("large", call -> "x".repeat(300_000));
                registerBlocking("deep", call -> Map.of("a", List.of(new Thread())));
                """);

        assertRefused(bench.run(handler("odd", "null")), "'odd' replied a java.lang.Object; it may reply null, a text");
        assertRefused(bench.run(handler("large", "null")), "'large' replied more than 256 KiB");
        assertRefused(bench.run(handler("deep", "null")), "the reply of handler 'deep' cannot be written as JSON");
    }

    private static void assertRefused(AttemptOutcome outcome, String message) {
        var failed = (Failed) outcome;
        assertThat(failed.error()).contains(message);
        assertThat(failed.retryable()).isFalse();
    }

    @Test
    void linesAndProgressAreThereWhileTheHandlerWorks() throws IOException {
        var bench = bench("""
                register("slow", call -> {
                    call.log(Call.Level.INFO, "begun", new JsonObject().put("rows", 3));
                    call.log(Call.Level.WARNING, "two\\nlines\\u0000");
                    call.progress(40);
                    Promise<Object> done = Promise.promise();
                    call.onStop(() -> done.fail("stopped"));
                    return done.future();
                });
                """);

        var attempt = bench.start(handler("slow", "null"));

        until(
                "its lines are there",
                () -> timeless(attempt.text())
                        .equals("INFO begun {\"rows\":3}\nWARNING two\n\tlines\uFFFD\nINFO progress 40%\n"));
        assertThat(attempt.execution().outcome().isComplete()).isFalse();
        attempt.execution().stop();
        assertThat(attempt.outcome()).isEqualTo(new Failed("stopped", true));
    }

    @Test
    void aHandlerMayPutItsTaskOff() throws IOException {
        var bench = bench("""
                register("later", call -> {
                    call.snooze(java.time.Duration.ofMinutes(10));
                    return Future.succeededFuture("ignored");
                });
                registerBlocking("too-soon", call -> {
                    call.snooze(java.time.Duration.ofMillis(10));
                    return null;
                });
                register("broken", call -> {
                    call.snooze(java.time.Duration.ofMinutes(10));
                    return Future.failedFuture("broken");
                });
                """);

        assertThat(bench.start(handler("later", "null")).outcome()).isEqualTo(new Snoozed(Duration.ofMinutes(10)));
        assertThat(((Failed) bench.start(handler("too-soon", "null")).outcome()).error())
                .contains("puts itself off by 1s to 30d");
        assertThat(bench.start(handler("broken", "null")).outcome()).isEqualTo(new Failed("broken", true));
    }

    @Test
    void itIsToldItsPlaceInTheTrace() throws IOException {
        var bench = bench("""
                register("trace", call -> Future.succeededFuture(call.traceparent().orElse("none")));
                """);

        var attempt = bench.start(handler("trace", "null"));

        var trace = attempt.context().trace().traceparent();
        assertThat(attempt.outcome()).isEqualTo(new Succeeded(new Json("\"" + trace + "\"")));
    }

    @Test
    void aLastLineIsNotLost() throws IOException {
        var bench = bench("""
                registerBlocking("chatty", call -> {
                    for (int i = 0; i < 5_000; i++) call.log(Call.Level.INFO, "line " + i);
                    return null;
                });
                """);

        var attempt = bench.start(handler("chatty", "null"));

        assertThat(attempt.outcome()).isEqualTo(new Succeeded(Json.NULL));
        assertThat(timeless(attempt.text()).lines())
                .hasSize(5_000)
                .contains("INFO line 0")
                .endsWith("INFO line 4999");
    }

    @Test
    void aBlockingHandlerIsInterruptedWhenItIsToStop() throws IOException {
        var bench = bench("""
                registerBlocking("deep", call -> {
                    call.log(Call.Level.INFO, "asleep");
                    Thread.sleep(600_000);
                    return null;
                });
                """);
        var attempt = bench.start(handler("deep", "null"));
        until("it works", () -> attempt.text().contains("asleep"));
        var begun = System.nanoTime();

        attempt.execution().stop();

        assertThat(((Failed) attempt.outcome()).error()).contains("InterruptedException");
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(STOP_GRACE);
    }

    @Test
    void aHandlerThatBlocksItsLoopDelaysNobodyElseAndIsNamedInTheLog() throws IOException {
        var bench = bench("""
                register("rude", call -> {
                    call.log(Call.Level.INFO, "blocks");
                    while (!call.isStopped()) Thread.onSpinWait();
                    return Future.succeededFuture();
                });
                registerBlocking("polite", call -> "done");
                """);
        try (var log = new LogLines(BlockedThreads.class)) {
            var rude = bench.start(handler("rude", "null"));
            until("it blocks", () -> rude.text().contains("blocks"));

            assertThat(bench.run(handler("polite", "null"))).isEqualTo(new Succeeded(new Json("\"done\"")));
            assertThat(bench.run(handler("echo", "1"))).isEqualTo(new Succeeded(new Json("1")));
            until(
                    "it is named",
                    () -> log.messages().stream()
                            .anyMatch(line ->
                                    line.matches("a thread is blocked: .* handler=rude task=[0-9a-f-]{36} attempt=1")));

            rude.execution().stop();
            assertThat(rude.outcome()).isEqualTo(new Succeeded(Json.NULL));
        }
    }

    @Test
    void aFailureFailsTheAttemptWithItsMessageAndItsTrace() throws IOException {
        var cases = List.of(
                new Failing("throw new IllegalStateException(\"out of paper\");", "out of paper", "Other", true, true),
                new Failing(
                        "throw new java.io.IOException(\"disk\");",
                        "java.io.IOException: disk",
                        "IOException",
                        true,
                        true),
                new Failing(
                        "throw new NoClassDefFoundError(\"gone/Away\");",
                        "java.lang.NoClassDefFoundError: gone/Away",
                        "NoClassDefFoundError",
                        true,
                        true),
                new Failing("return Future.failedFuture(\"it is on fire\");", "it is on fire", "Other", true, false),
                new Failing(
                        "throw new NoRetryException(\"no such customer\");", "no such customer", "Other", false, true),
                new Failing(
                        "return Future.failedFuture(new NoRetryException(\"none\"));", "none", "Other", false, true),
                new Failing("return null;", "handler 'f6' returned null instead of a Future", "Other", true, false),
                new Failing(
                        "call.inputObject(); return null;",
                        "handler 'f7' takes an object; got [1]",
                        "Other",
                        false,
                        true));
        var bench = bench(IntStream.range(0, cases.size())
                .mapToObj(
                        n -> "register(\"f" + n + "\", call -> {" + cases.get(n).body() + "});")
                .collect(Collectors.joining()));

        for (var n = 0; n < cases.size(); n++) {
            var attempt = bench.start(handler("f" + n, "[1]"));

            assertThat(attempt.outcome())
                    .isEqualTo(new Failed(
                            cases.get(n).message(),
                            cases.get(n).again(),
                            new NamedError(cases.get(n).kind())));
            assertThat(attempt.text().contains("\tat ")).isEqualTo(cases.get(n).isTraced());
            assertThat(attempt.text().lines().count()).isLessThan(70);
        }
    }

    private record Failing(String body, String message, String kind, boolean again, boolean isTraced) {}

    @Test
    void tooManyCallsAtOnceAreRefusedUntilSomeHaveEnded() throws IOException {
        var bench = bench("""
                register("never", call -> {
                    Promise<Object> done = Promise.promise();
                    call.onStop(() -> done.complete());
                    return done.future();
                });
                """);
        var attempts = IntStream.range(0, HandlerCalls.LIMIT)
                .mapToObj(_ -> bench.start(handler("never", "null")))
                .toList();

        var oneMore = (Failed) bench.run(handler("never", "null"));

        assertThat(oneMore.error()).startsWith("handler 'never' is not called: 1000 calls of this node's handlers");
        assertThat(oneMore.retryable()).isTrue();
        attempts.forEach(attempt -> attempt.execution().stop());
        attempts.forEach(attempt -> assertThat(attempt.outcome()).isEqualTo(new Succeeded(Json.NULL)));
        var free = bench.start(handler("never", "null"));
        free.execution().stop();
        assertThat(free.outcome()).isEqualTo(new Succeeded(Json.NULL));
    }

    @Test
    void aJarUsesItsOwnLibrariesAndSharesVertx() throws IOException {
        new HandlerJarFile()
                .source(
                        "com.fasterxml.jackson.core.JsonFactory",
                        "public class JsonFactory {" + " public String toString() { return \"its own\"; } }")
                .source("Own", """
                        public class Own extends HandlerVerticle {
                            public Own() {
                                registerBlocking("own", call -> new com.fasterxml.jackson.core.JsonFactory() + " "
                                    + text("note.txt") + " " + (Thread.currentThread().getContextClassLoader()
                                        == Own.class.getClassLoader()));
                                registerBlocking("ours", call -> Class.forName("dev.orrery.domain.TaskId").getName());
                            }
                            static String text(String file) throws Exception {
                                try (var in = Own.class.getClassLoader().getResourceAsStream(file)) {
                                    return new String(in.readAllBytes());
                                }
                            }
                        }""")
                .file("note.txt", "noted")
                .service("Own")
                .writeTo(jar("own"));
        var bench = bench();

        assertThat(bench.run(handler("own", "null"))).isEqualTo(new Succeeded(new Json("\"its own noted true\"")));
        assertThat(((Failed) bench.run(handler("ours", "null"))).error()).contains("is not for handlers");
    }

    @Test
    void aVerticleThatWaitsForWhatItNeedsIsWaitedForAndStoppedInTheEnd() throws IOException {
        var trace = folder.resolve("trace");
        new HandlerJarFile()
                .source("Patient", """
                        public class Patient extends HandlerVerticle {
                            public Future<?> start() {
                                return vertx.timer(50).onSuccess(id -> register("late", call -> Future.succeededFuture(7)));
                            }
                            public Future<?> stop() throws Exception {
                                java.nio.file.Files.writeString(java.nio.file.Path.of("%s"), "stopped");
                                return super.stop();
                            }
                        }""".formatted(trace))
                .service("Patient")
                .writeTo(jar("patient"));
        var jars = HandlerJars.load(folder, HandlerJars.START_LIMIT);
        open.add(jars::close);

        assertThat(jars.description()).isEqualTo("handlers: late (patient.jar)");
        jars.close();

        assertThat(trace).hasContent("stopped");
    }

    @Test
    void aFolderThatIsNoneIsTold() {
        assertProblem(
                folder.resolve("none"), "handlers.dir", "names " + folder.resolve("none") + ", which is no folder");
    }

    @Test
    void aFileThatIsNoJarIsTold() throws IOException {
        Files.writeString(jar("broken"), "this is no jar");

        assertProblem("broken", "cannot be read as a jar (");
    }

    @Test
    void aJarWithoutHandlersIsTold() throws IOException {
        new HandlerJarFile().file("readme.txt", "nothing").writeTo(jar("library"));

        assertProblem("library", "has no META-INF/services/dev.orrery.handler.HandlerVerticle");
    }

    @ParameterizedTest
    @CsvSource({
        "Missing, 'names a class that cannot be loaded: '",
        "not a name, 'names a class that cannot be loaded: '",
        "java.lang.String, names no class of its own",
        "# nothing, names no class of its own"
    })
    void aServiceThatIsNoneIsTold(String service, String message) throws IOException {
        new HandlerJarFile().service(service).writeTo(jar("wrong"));

        assertProblem("wrong", message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "throw new IllegalStateException(\"no key\");  | cannot start Wrong: java.lang.IllegalStateException: no key",
                "throw new IllegalStateException(\"no\\nkey\");  | cannot start Wrong: java.lang.IllegalStateException: no key",
                "throw new StackOverflowError();               | cannot start Wrong: java.lang.StackOverflowError",
                "register(\"a b\", call -> null);              | the name of a handler must be 1 to 255",
                "register(\"a\", c -> null); register(\"a\", c -> null); | handler 'a' is registered twice",
                "int nothing = 0;                              | cannot start Wrong: java.lang.IllegalStateException: it registers no handler",
                "register(\"echo\", call -> null);             | registers handler 'echo', which is built in",
            })
    void aVerticleThatCannotBeUsedIsTold(String body, String message) throws IOException {
        HandlerJarFile.registering("Wrong", body).writeTo(jar("wrong"));

        assertProblem("wrong", message);
    }

    @Test
    void aStartThatTakesTooLongIsTold() throws IOException {
        new HandlerJarFile()
                .source(
                        "Slow",
                        "public class Slow extends HandlerVerticle {"
                                + " public Future<?> start() { return Promise.promise().future(); } }")
                .service("Slow")
                .writeTo(jar("slow"));

        var problem = problem(folder, Duration.ofSeconds(1));

        assertThat(problem).contains("has not started Slow within 1 s");
    }

    @Test
    void twoJarsWithOneNameAreTold() throws IOException {
        HandlerJarFile.registering("One", "register(\"same\", call -> null);").writeTo(jar("a"));
        HandlerJarFile.registering("Two", "register(\"same\", call -> null);").writeTo(jar("b"));

        assertProblem("b", "registers handler 'same', which " + jar("a") + " registers too");
    }

    @Test
    void whatWasLoadedBeforeAProblemIsClosedAgain() throws IOException {
        var before = threads();
        HandlerJarFile.registering("One", "register(\"one\", call -> null);").writeTo(jar("a"));
        Files.writeString(jar("b"), "this is no jar");

        assertProblem("b", "cannot be read as a jar (");

        until("no thread is left", () -> before.containsAll(threads()));
    }

    private static Set<Thread> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("vert.x-eventloop"))
                .collect(Collectors.toSet());
    }

    private void assertProblem(String jar, String... parts) {
        assertProblem(folder, jar(jar).toString(), parts);
    }

    private static void assertProblem(Path folder, String origin, String... parts) {
        assertThat(problem(folder, HandlerJars.START_LIMIT))
                .startsWith(origin + " ")
                .contains(parts);
    }

    private static String problem(Path folder, Duration limit) {
        var wrong = catchThrowableOfType(
                ConfigException.class, () -> HandlerJars.load(folder, limit).close());
        assertThat(wrong).as("it was loaded").isNotNull();
        var problem = wrong.problems().getFirst();
        assertThat(problem.help().orElse("")).isNotBlank();
        assertThat(problem.message()).doesNotContain("\n");
        return problem.path() + " " + problem.message();
    }

    private Workbench bench(String body) throws IOException {
        HandlerJarFile.registering("Mine", body).writeTo(jar("mine"));
        return bench();
    }

    private Workbench bench() throws IOException {
        var bench = new Workbench(Files.createDirectory(folder.resolve("bench")), STOP_GRACE);
        open.add(bench);
        var jars = HandlerJars.load(folder, HandlerJars.START_LIMIT);
        open.add(jars::close);
        jars.answer(bench.vertx, bench.bus, ACCESS);
        open.add(() -> jars.endCalls(Duration.ZERO));
        return bench;
    }

    private Path jar(String name) {
        return folder.resolve(name + ".jar");
    }

    private static Handler handler(String name, String input) {
        return Workbench.handler(name, input);
    }
}
