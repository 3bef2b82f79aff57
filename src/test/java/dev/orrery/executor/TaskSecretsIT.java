package dev.orrery.executor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.config.IsolationConfig;
import dev.orrery.domain.Json;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.dag.TaskType.Http;
import dev.orrery.domain.dag.TaskType.Python;
import dev.orrery.domain.dag.TaskType.PythonSource;
import dev.orrery.domain.dag.TaskType.Shell;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import dev.orrery.testing.Await;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How tasks get at secrets, and how nobody else does. The tasks are those of the tenant acme. */
class TaskSecretsIT {

    private static final String KEY = "kq7\"-zebra-4711";
    private static final String REFERENCE = "${{ secrets.API_KEY }}";

    @TempDir
    private Path folder;

    private Path file;
    private Workbench bench;

    @BeforeEach
    void open() throws IOException {
        Files.createDirectory(folder.resolve("tasks"));
        file = Files.writeString(folder.resolve("api-key"), KEY + "\n");
        bench = new Workbench(
                folder,
                List.of(
                        "acme/API_KEY=file:" + file,
                        "*/SEARCH_PATH=env:PATH",
                        "acme/GONE=file:" + folder.resolve("gone"),
                        "acme/UNSET=env:NO_SUCH_VARIABLE",
                        "OTHERS=env:PATH"),
                IsolationConfig.DEFAULT);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void aProgramIsGivenItAndWhateverItTellsOfItIsHidden() {
        var attempt = bench.start(
                shell(
                        "printf 'len %s\\n' ${#KEY}; echo \"first $KEY\"; printf '%s' \"$KEY\" | cut -c1-5 | tr -d '\\n'; sleep 0.4;"
                                + " printf '%s\\n' \"$KEY\" | cut -c6-; printf '%s' \"$KEY\" | base64; echo \"why $KEY\" >&2; exit 4"));

        var outcome = (Failed) attempt.outcome();

        assertThat(outcome.error()).isEqualTo("exit code 4: why " + "*".repeat(KEY.length()));
        assertThat(attempt.text())
                .contains("len " + KEY.length())
                .contains("first " + "*".repeat(KEY.length()))
                .doesNotContain("zebra", "kq7\"", "a3E3");
    }

    @Test
    void whatToolsMakeOfItIsHiddenToo() {
        var attempt = bench.start(
                shell(
                        "echo \"$KEY\" | base64; printf 'user:%s' \"$KEY\" | base64;"
                                + " python3 -c 'import json,os,urllib.parse as u; k=os.environ[\"KEY\"]; print(u.quote(k), json.dumps(k))'"));

        assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
        assertThat(attempt.text()).matches("[*]+\\S{0,4}\n\\S{0,8}[*]+\\S{0,4}\n[*]+ \"[*]+\"\n");
    }

    @Test
    void itIsHiddenWhereItIsWrittenInPieces() {
        var attempt = bench.start(new Python(
                new PythonSource.Code("""
                        import os, sys, time
                        for letter in 'a ' + os.environ['KEY'] + ' b\\n':
                            sys.stdout.write(letter); sys.stdout.flush(); time.sleep(0.01)
                        """), List.of(), Map.of("KEY", REFERENCE), Optional.empty(), Optional.empty()));

        assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
        assertThat(attempt.text()).isEqualTo("a " + "*".repeat(KEY.length()) + " b\n");
    }

    @Test
    void outputsHideItToo() {
        var byFile = bench.run(
                shell("printf '{\"a\":\"%s\"}' \"$(printf %s \"$KEY\" | sed 's/\"/\\\\\"/')\" > $ORRERY_OUTPUT"));
        var byLine =
                bench.run(shell("printf '::output {\"a\":\"%s\"}\\n' \"$(printf %s \"$KEY\" | sed 's/\"/\\\\\"/')\""));

        assertThat(byFile)
                .isInstanceOfSatisfying(
                        Succeeded.class,
                        done -> assertThat(done.output().text())
                                .isEqualTo("{\"a\":\"" + "*".repeat(KEY.length() + 1) + "\"}"));
        assertThat(byLine).isEqualTo(byFile);
    }

    @Test
    void aRequestCarriesItInHeadersAndBodyAndTheAnswerHidesIt() {
        var seen = new CopyOnWriteArrayList<String>();
        var server = serve(request -> request.body().onSuccess(body -> {
            seen.add(request.getHeader("X-Key"));
            seen.add(body.toString());
            request.response()
                    .putHeader("Content-Type", "application/json")
                    .putHeader("X-Echo", KEY)
                    .end("{\"you\":\"kq7\\\"-zebra-4711\"}");
        }));

        var attempt = bench.start(new Http(
                "POST",
                url(server),
                Map.of("X-Key", "k " + REFERENCE),
                Optional.of(new Json("{\"key\":\"${{secrets.API_KEY}}\"}"))));

        assertThat(attempt.outcome())
                .isInstanceOfSatisfying(
                        Succeeded.class,
                        done -> assertThat(done.output().text())
                                .contains("****")
                                .doesNotContain("zebra"));
        assertThat(seen).containsExactly("k " + KEY, "{\"key\":\"kq7\\\"-zebra-4711\"}");
        assertThat(attempt.text()).doesNotContain("zebra");
    }

    @Test
    void aRedirectTakesNoSecretToAnotherServer() {
        var asked = new CopyOnWriteArrayList<String>();
        var other = serve(request -> {
            asked.add(String.valueOf(request.getHeader("X-Key")));
            request.response().end();
        });
        var server = serve(request -> request.response()
                .setStatusCode(307)
                .putHeader("Location", url(other))
                .end());

        var inBody = bench.run(new Http("POST", url(server), Map.of(), Optional.of(new Json("\"" + REFERENCE + "\""))));
        var inHeader = bench.run(new Http("POST", url(server), Map.of("X-Key", REFERENCE), Optional.empty()));

        assertThat(((Failed) inBody).error()).contains("a secret in the body goes there only");
        assertThat(inHeader).isInstanceOf(Succeeded.class);
        assertThat(asked).containsExactly("null");
    }

    @Test
    void whatIsNotThereFailsTheAttemptForGoodWithPlaceAndCure() {
        assertThat(refusal("${{ secrets.NOBODY }}"))
                .isEqualTo(
                        "env.KEY names the secret 'NOBODY', which this node has not for the tenant 'acme': add"
                                + " 'acme/NOBODY=env:VARIABLE' or 'acme/NOBODY=file:/path' to tasks.secrets and start the node again");
        assertThat(refusal("${{ secrets.OTHERS }}")).contains("which this node has not for the tenant 'acme'");
        assertThat(refusal("${{ secrets.GONE }}")).contains("'GONE' stands in " + folder.resolve("gone"));
        assertThat(refusal("${{ secrets.UNSET }}")).contains("the variable NO_SUCH_VARIABLE");
    }

    @Test
    void aSecretThatChangesIsReadAnewForTheNextAttempt() throws IOException {
        bench.run(shell("true"));
        Files.writeString(file, "another-value");

        var attempt = bench.start(shell("[ \"$KEY\" = another-value ] && echo \"$KEY is new\""));

        assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
        assertThat(attempt.text()).isEqualTo("*".repeat(13) + " is new\n");
    }

    @Test
    void everyLineOfALongOneIsHidden() throws IOException {
        Files.writeString(file, "-----BEGIN-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END-----\n");

        var attempt =
                bench.start(shell("echo \"$KEY\"; echo \"$KEY\" | sed -n 2p; [ \"$(echo \"$KEY\" | wc -l)\" = 4 ]"));

        assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
        assertThat(attempt.text()).matches("[*\n]+");
    }

    private String refusal(String reference) {
        var outcome = (Failed) bench.run(new Shell("echo never", Map.of("KEY", reference), Optional.empty()));
        assertThat(outcome.retryable()).isFalse();
        return outcome.error();
    }

    private static TaskType shell(String command) {
        return new Shell(command, Map.of("KEY", REFERENCE), Optional.empty());
    }

    private HttpServer serve(io.vertx.core.Handler<HttpServerRequest> handler) {
        return Await.await(
                bench.vertx.createHttpServer().requestHandler(handler).listen(0, "127.0.0.1"));
    }

    private static String url(HttpServer server) {
        return "http://127.0.0.1:" + server.actualPort() + "/";
    }
}
