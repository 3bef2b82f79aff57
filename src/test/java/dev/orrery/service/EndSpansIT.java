package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TraceSampling;
import dev.orrery.store.Pools;
import dev.orrery.store.TraceRepository;
import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import dev.orrery.telemetry.Tracing;
import dev.orrery.testing.TraceCollector;
import io.vertx.core.Future;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EndSpansIT extends RunServiceTestBase {

    private final TraceCollector collector = new TraceCollector();
    private final Metrics metrics = new Metrics();
    private Pools connections;
    private Tracing tracing;

    @BeforeEach
    void openTracing() {
        connections = Pools.open(vertx, database.connectOptions(), 6, 200);
        var there = new Tracing.Collector(
                URI.create(collector.endpoint()), Map.of(), Duration.ofSeconds(2), Duration.ofSeconds(2), Map.of());
        tracing = Tracing.to(there, TraceSampling.ALL, () -> System.currentTimeMillis() * 1_000_000, metrics);
    }

    @AfterEach
    void closeTracing() {
        await(connections.close());
        collector.close();
        metrics.close();
    }

    @Test
    void ofNodesThatSeeTogetherThatARunIsOverOneRecordsIt() {
        var dag = publish("a");
        var ended = IntStream.range(0, 40).mapToObj(_ -> trigger(dag)).toList();
        var goesOn = trigger(dag);
        ended.forEach(run -> await(runs.cancel(TENANT, run, Optional.empty())));

        var nodes = IntStream.range(0, 4).mapToObj(_ -> spans()).toList();
        var looking = new ArrayList<Future<Void>>();
        for (var node : nodes) {
            ended.forEach(node::runMayBeOver);
            node.runMayBeOver(goesOn);
        }
        nodes.forEach(node -> looking.add(node.end()));
        looking.forEach(future -> await(future));
        tracing.close();

        assertThat(collector.all().stream().map(span -> span.attributes().get("orrery.run.id")))
                .containsExactlyInAnyOrderElementsOf(
                        ended.stream().map(RunId::toString).toList());
    }

    private EndSpans spans() {
        return new EndSpans(
                vertx, new TraceRepository(vertx, connections.api()), tracing, new AttemptSpans(tracing, "test"));
    }

    @Test
    void whatCannotBeAskedWaitsForTheNextLook() throws SQLException {
        var run = trigger(publish("a"));
        await(runs.cancel(TENANT, run, Optional.empty()));
        var spans = spans();
        rename("is_traced", "hidden");

        spans.runMayBeOver(run);
        await(spans.end());
        rename("hidden", "is_traced");
        await(spans.end());
        tracing.close();

        assertThat(collector.all()).hasSize(1);
    }

    @Test
    void whatEndsBeyondWhatMayWaitIsLeftOutAndCounted() throws SQLException {
        var run = trigger(publish("a"));
        await(runs.cancel(TENANT, run, Optional.empty()));
        var spans = spans();
        rename("is_traced", "hidden");

        spans.runMayBeOver(run);
        IntStream.range(0, EndSpans.MAX_WAITING + 6)
                .forEach(n -> spans.runMayBeOver(new RunId(new UUID(n + 1L, 0x8000_0000_0000_0000L))));
        spans.runMayBeOver(run);
        assertThat(unread()).isEqualTo(7);

        await(spans.end());
        assertThat(unread()).isEqualTo(7 + EndSpans.MAX_WAITING);
        rename("hidden", "is_traced");
        await(spans.end());
        tracing.close();
        assertThat(collector.all()).hasSize(1);
    }

    private double unread() {
        return metrics.counter(Metric.TRACE_SPANS, "unread").count();
    }

    private void rename(String column, String name) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute("ALTER TABLE orrery.dag_runs RENAME COLUMN " + column + " TO " + name);
        }
    }
}
