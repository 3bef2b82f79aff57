package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.ProblemCode;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** The plain routes beside the contract. Pages are made once, at the start. */
final class Pages {

    private static final String DAG_SCHEMA = "/web/dag.schema.json";
    private static final String STYLE = "/web/style.css";

    private Pages() {}

    /** By path. */
    static Map<String, Page> of(Vertx vertx, Api.Setup setup) {
        var checks = setup.checks();
        var ready = new HealthPages(checks.parts(), checks.clock()).page();
        var pages = new LinkedHashMap<String, Page>();
        pages.put("/", Page.fixed("start", start(setup.about())));
        pages.put("/docs", Page.fixed("docs", new DocsPage(setup.contract()).render()));
        pages.put("/docs/errors", Page.fixed("docs", errors()));
        pages.put("/docs/style.css", Page.fixed("docs", Html.text("text/css; charset=utf-8", resource(STYLE))));
        pages.put(
                "/docs/openapi.yaml",
                Page.fixed(
                        "docs", Html.text("application/yaml", setup.contract().yaml())));
        pages.put(
                "/docs/dag.schema.json",
                Page.fixed("docs", Html.text("application/schema+json", resource(DAG_SCHEMA))));
        pages.put("/health", ready);
        pages.put("/health/ready", ready);
        pages.put("/health/live", new HealthPages(checks.life(), checks.clock()).page());
        pages.put("/metrics", new Page("metrics", () -> metrics(vertx, setup)));
        return pages;
    }

    private static Future<Answer> metrics(Vertx vertx, Api.Setup setup) {
        return setup.metrics()
                .ready()
                .compose(_ -> vertx.executeBlocking(setup.metrics()::scrape, false))
                .map(text -> Html.text("text/plain; version=0.0.4; charset=utf-8", text));
    }

    private static Answer start(Api.About about) {
        return Html.page("Orrery", """
                <main>
                <h1>Orrery</h1>
                <p>Version %s, %s. This node runs DAGs: tasks that wait for each other.</p>
                <h2>Three commands to try</h2>
                <pre><code>java -jar orrery.jar dag new hello &gt; hello.yaml
                java -jar orrery.jar dag apply hello.yaml
                java -jar orrery.jar dag trigger hello --follow</code></pre>
                <p>Where this page is not at <code>http://127.0.0.1:8080</code>, tell the commands by
                <code>export ORRERY_SERVER=</code> and its address.</p>
                <h2>Look further</h2>
                <ul>
                <li><a href="/docs">The API</a>: every call, with examples</li>
                <li><a href="/docs/openapi.yaml">The contract</a> (OpenAPI 3.1)</li>
                <li><a href="/docs/errors">The errors</a>, their causes and cures</li>
                <li><a href="/docs/dag.schema.json">The schema of DAG files</a>, for editors</li>
                <li><a href="/health">Health</a> and <a href="/metrics">metrics</a></li>
                </ul>
                </main>""".formatted(Html.escape(about.version()), Html.escape(about.mode())));
    }

    private static Answer errors() {
        var errors = new StringBuilder();
        for (var code : ErrorCode.values()) {
            var status = "<td>%d</td>".formatted(code.status());
            errors.append(row(code.name(), code.name(), status, code.cause(), code.cure()));
        }
        var problems = new StringBuilder();
        for (var code : ProblemCode.values()) {
            problems.append(row("problem-" + code, code.name(), "", code.cause(), code.cure()));
        }
        return Html.page("Errors of Orrery", """
                <main>
                <p><a href="/">Orrery</a> · <a href="/docs">The API</a></p>
                <h1>Errors</h1>
                <p>Every error is answered as <code>{code, message, details}</code>; <code>details</code> lists each problem
                with its <a href="#problems">own code</a>, its place and its help.</p>
                <table>
                <tr><th>code</th><th>status</th><th>cause</th><th>cure</th></tr>
                %s</table>
                <h2 id="problems">Problems</h2>
                <p>The codes in <code>details</code>, and those of <code>dag validate</code>.</p>
                <table>
                <tr><th>code</th><th>cause</th><th>cure</th></tr>
                %s</table>
                </main>""".formatted(errors, problems));
    }

    private static String row(String id, String code, String status, String cause, String cure) {
        return "<tr id=\"%s\"><td><code>%s</code></td>%s<td>%s</td><td>%s</td></tr>%n"
                .formatted(id, code, status, Html.escape(cause), Html.escape(cure));
    }

    private static String resource(String path) {
        try (var in = requireNonNull(Pages.class.getResourceAsStream(path), path + " is not on the class path")) {
            return new String(in.readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
