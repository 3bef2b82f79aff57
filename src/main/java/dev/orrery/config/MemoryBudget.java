package dev.orrery.config;

import static dev.orrery.domain.Checks.require;

import dev.orrery.domain.StartupException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How much memory everything may take together that grows with load: queues, buffers and caches, each of which is bounded.
 * What the settings ask for is counted at its worst; what is shared by all gets a part of the heap, so that a node
 * with the defaults fits into a small one. A node whose sum is over half of the heap does not start: the other half is
 * for the program and for the garbage between collections.
 */
public record MemoryBudget(long heap, List<Item> items) {

    /** The most that an attempt's output takes: the body of an HTTP answer, and the JSON made of it. */
    private static final long OUTPUT_BYTES = 2 << 20;

    /** What is read from a task's pipes and is on its way to the log. */
    private static final long PIPE_BYTES = 192 << 10;

    /** A task in a worker's queue; its definition is shared with its DAG version. */
    private static final long QUEUED_BYTES = 2 << 10;

    /** The rows of one answer and of one statement. */
    private static final long CONNECTION_BYTES = 2 << 20;

    private static final long REPORT_BYTES = 1 << 10;

    private static final long MIB = 1 << 20;

    /** The most bytes that handlers in jars have said and nobody has heard yet. */
    public static final long HANDLER_LOGS = 16 * MIB;

    /** What waits for the collector of traces: 8192 spans, most of them far smaller than the 2 KiB they may take. */
    private static final long SPANS = 16 * MIB;

    /** The most that one task is given, as text and on its way into a file. */
    private static final long INPUTS_OF_ONE = 16 * MIB;

    // These parts of the heap follow it, up to a limit.
    private static final int REQUESTS_PART = 10;
    private static final int RESULTS_PART = 32;
    private static final int SUBMISSIONS_PART = 32;
    private static final int LOG_CHUNKS_PART = 32;
    private static final int VERSIONS_PART = 32;
    private static final int EVENTS_PART = 32;
    private static final int INPUTS_PART = 32;

    /**
     * One kind of consumer.
     *
     * @param setting what to lower in order to save, empty where it follows the heap
     */
    public record Item(String name, long bytes, String setting) {

        public Item {
            require(bytes >= 0, "bytes must not be negative, was " + bytes);
        }
    }

    public MemoryBudget {
        require(heap > 0, "heap must be positive, was " + heap);
        items = List.copyOf(items);
    }

    /** The budget of this process. */
    public static MemoryBudget of(OrreryConfig config) {
        return of(config, Runtime.getRuntime().maxMemory());
    }

    /** {@code heap}: how large the Java heap can become, in bytes. */
    public static MemoryBudget of(OrreryConfig config, long heap) {
        var workers = config.workers();
        var slots = (long) workers.size() * workers.concurrency();
        var held = slots + (long) workers.size() * workers.queueCapacity();
        var items = new ArrayList<>(followers(heap));
        items.addAll(List.of(
                new Item("logs", slots * (config.tasks().logLimit() + PIPE_BYTES), "tasks.log-limit"),
                new Item("outputs", slots * OUTPUT_BYTES, "workers.concurrency"),
                new Item("handler logs", config.handlers().dir().isEmpty() ? 0 : HANDLER_LOGS, "handlers.dir"),
                new Item("spans", config.tracing().isOn() ? SPANS : 0, "tracing.otlp-endpoint"),
                new Item("queues", held * QUEUED_BYTES, "workers.queue-capacity"),
                new Item("reports", 2L * config.router().batchSize() * REPORT_BYTES, "router.batch-size"),
                new Item("database answers", config.database().poolSize() * CONNECTION_BYTES, "database.pool-size")));
        return new MemoryBudget(heap, items);
    }

    private static List<Item> followers(long heap) {
        return List.of(
                new Item("requests", requests(heap), ""),
                new Item("results", results(heap), ""),
                new Item("submissions", submissions(heap), ""),
                new Item("log chunks", logChunks(heap), ""),
                new Item("DAG versions", dagVersions(heap), ""),
                new Item("events", events(heap), ""),
                new Item("inputs", inputs(heap), ""));
    }

    /** The most bytes that requests in work, their bodies and the buffers of live streams may take. */
    public static long requests(long heap) {
        return part(heap, REQUESTS_PART, 256);
    }

    /** The most bytes of results that wait for the database. */
    public static long results(long heap) {
        return part(heap, RESULTS_PART, 128);
    }

    /** The most bytes of runs that wait to be created. */
    public static long submissions(long heap) {
        return part(heap, SUBMISSIONS_PART, 64);
    }

    /** The most bytes of log that wait for the database. */
    public static long logChunks(long heap) {
        return part(heap, LOG_CHUNKS_PART, 32);
    }

    /** The most bytes of DAG versions that are kept in memory. */
    public static long dagVersions(long heap) {
        return part(heap, VERSIONS_PART, 64);
    }

    /** The most bytes of events that are kept for live streams. */
    public static long events(long heap) {
        return part(heap, EVENTS_PART, 16);
    }

    /** The most bytes of params and outputs of dependencies that tasks are given at once. */
    public static long inputs(long heap) {
        return Math.max(INPUTS_OF_ONE, part(heap, INPUTS_PART, 64));
    }

    private static long part(long heap, int divisor, int limitMib) {
        return Math.min(heap / divisor, limitMib * MIB);
    }

    public long total() {
        return total(items);
    }

    private static long total(List<Item> items) {
        return items.stream().mapToLong(Item::bytes).sum();
    }

    /**
     * Refuses a budget of more than half of the heap.
     *
     * @throws StartupException that says what takes most, and what to do
     */
    public void requireFit() {
        if (total() > heap / 2) {
            var largest = items.stream()
                    .filter(item -> !item.setting().isEmpty())
                    .max((a, b) -> Long.compare(a.bytes(), b.bytes()))
                    .orElseThrow();
            throw new StartupException(
                    "queues and buffers may take " + mib(total()) + ", more than half of the heap of "
                            + mib(heap) + ": lower " + largest.setting() + " (" + largest.name() + " take "
                            + mib(largest.bytes()) + "), or give a larger heap: java -Xmx"
                            + heapFor(total() - total(followers(heap))) + "m");
        }
    }

    /** In MiB: the smallest heap that so much beside what follows it fits into. */
    private static long heapFor(long fixed) {
        var mib = 2 * fixed / MIB;
        while (fixed + total(followers(mib * MIB)) > mib * MIB / 2) {
            mib++;
        }
        return mib;
    }

    /** One line for the log. */
    public String text() {
        return "memory is bounded: total=" + mib(total()) + " heap=" + mib(heap) + " "
                + items.stream()
                        .map(item -> item.name().toLowerCase(Locale.ROOT).replace(' ', '_') + "=" + mib(item.bytes()))
                        .collect(Collectors.joining(" "));
    }

    private static String mib(long bytes) {
        return (bytes + MIB - 1) / MIB + "MiB";
    }
}
