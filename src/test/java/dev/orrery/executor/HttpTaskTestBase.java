package dev.orrery.executor;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.dag.TaskType.Http;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.PfxOptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A bench for HTTP tasks, and servers for them. */
abstract class HttpTaskTestBase {

    @TempDir
    Path folder;

    Workbench bench;

    @BeforeEach
    void open() {
        bench = new Workbench(folder);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    HttpServer serve(Handler<HttpServerRequest> handler) {
        return await(bench.vertx.createHttpServer().requestHandler(handler).listen(0, "127.0.0.1"));
    }

    HttpServer serveTls() throws IOException, InterruptedException {
        return serveTls(request -> request.response().end("never"));
    }

    HttpServer serveTls(Handler<HttpServerRequest> handler) throws IOException, InterruptedException {
        var store = folder.resolve("server.p12").toString();
        var keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "server",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=127.0.0.1",
                        "-ext",
                        "san=ip:127.0.0.1",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        store,
                        "-storepass",
                        "storepass")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(keytool.waitFor()).isZero();
        var options = new HttpServerOptions()
                .setSsl(true)
                .setSni(true)
                .setKeyCertOptions(new PfxOptions().setPath(store).setPassword("storepass"));
        return await(
                bench.vertx.createHttpServer(options).requestHandler(handler).listen(0, "127.0.0.1"));
    }

    static String url(HttpServer server, String path) {
        return "http://127.0.0.1:" + server.actualPort() + path;
    }

    static Http get(String url) {
        return new Http("GET", url, Map.of(), Optional.empty());
    }

    static JsonObject output(Workbench.Attempt attempt) {
        var outcome = attempt.outcome();
        assertThat(outcome).isInstanceOf(Succeeded.class);
        return new JsonObject(((Succeeded) outcome).output().text());
    }

    static Buffer gzip(byte[] content) throws IOException {
        var zipped = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(zipped)) {
            gzip.write(content);
        }
        return Buffer.buffer(zipped.toByteArray());
    }
}
