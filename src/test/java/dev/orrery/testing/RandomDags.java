package dev.orrery.testing;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.LockName;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.DagDefinition;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.FailureRule;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.domain.task.RetryRules;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;

/** Makes DAGs of every shape and kind of task. */
public final class RandomDags {

    private static final List<String> JSON = List.of(
            "null",
            "true",
            "\"\"",
            "\"text\"",
            "0",
            "1.0",
            "1e2",
            "-0.5",
            "12345678901234567890",
            "[]",
            "{}",
            "{\"bb\":1,\"a\":{\"c\":[1,\"\\u00e4\",null]}}",
            "[[\"\\u0000\",\"\\ud83d\"]]");
    private static final String LETTERS = "abc xyz ABC 019 _.-/\\\"'\n\t{}$äß€\uD83D\uDE80";

    private RandomDags() {}

    /** A DAG with a name and up to so many tasks. */
    public static DagDraft draft(RandomGenerator random, int maxTasks) {
        var count = random.nextInt(1, maxTasks + 1);
        var tasks = new ArrayList<TaskDefinition>();
        for (var n = 0; n < count; n++) {
            tasks.add(task(random, n));
        }
        return new DagDraft(
                Optional.of("dag " + random.nextInt(1_000_000)),
                maybe(random, text(random)),
                tasks,
                maybe(random, "0 2 * * *"),
                random.nextBoolean() ? DagDraft.DEFAULT_TIMEZONE : "Europe/Berlin",
                maybe(random, new LockName("lock-of-all")));
    }

    /** A DAG of one handler task with this input. */
    public static DagDraft oneHandler(Json input) {
        var task = new TaskDefinition(
                new TaskId("only"),
                "only",
                new TaskType.Handler("echo", input),
                TaskDefinition.DEFAULT_TIMEOUT,
                RetryPolicy.DEFAULT,
                Set.of(),
                TaskDefinition.DEFAULT_PRIORITY,
                TaskDefinition.DEFAULT_QUEUE);
        return new DagDraft(
                Optional.of("one handler"),
                Optional.empty(),
                List.of(task),
                Optional.empty(),
                DagDraft.DEFAULT_TIMEZONE);
    }

    /** What publishing makes of a draft. */
    public static DagDefinition published(DagDraft draft, DagId id, int version, Instant createdAt) {
        return new DagDefinition(
                id,
                draft.name().orElseThrow(),
                draft.description(),
                draft.tasks(),
                draft.schedule(),
                draft.timezone(),
                draft.lock(),
                version,
                createdAt);
    }

    private static TaskDefinition task(RandomGenerator random, int number) {
        var dependencies = new LinkedHashSet<TaskId>();
        for (var n = 0; n < number; n++) {
            if (random.nextInt(4) == 0) {
                dependencies.add(new TaskId("t" + n));
            }
        }
        return new TaskDefinition(
                new TaskId("t" + number),
                random.nextBoolean() ? "t" + number : "task " + number + " \"ä\"",
                type(random),
                Duration.ofMillis(random.nextLong(10, 100_000_000)),
                retry(random),
                dependencies,
                random.nextInt(TaskDefinition.MAX_PRIORITY + 1),
                random.nextBoolean() ? TaskDefinition.DEFAULT_QUEUE : "queue-" + random.nextInt(3),
                maybe(random, new LockName("lock-" + random.nextInt(3))));
    }

    private static TaskType type(RandomGenerator random) {
        return switch (random.nextInt(5)) {
            case 0 -> new TaskType.Shell(text(random), map(random), maybe(random, "reports/daily"));
            case 1 ->
                new TaskType.Http(
                        "POST", "https://example.org/?q=" + random.nextInt(), map(random), maybe(random, json(random)));
            case 2 -> python(random, new TaskType.PythonSource.Script("a/b.py"));
            case 3 -> python(random, new TaskType.PythonSource.Code(text(random)));
            default -> new TaskType.Handler("echo", json(random));
        };
    }

    private static TaskType python(RandomGenerator random, TaskType.PythonSource source) {
        return new TaskType.Python(
                source,
                List.of(text(random), text(random)),
                map(random),
                maybe(random, "/opt/venv"),
                maybe(random, "x"));
    }

    private static RetryPolicy retry(RandomGenerator random) {
        return new RetryPolicy(
                random.nextInt(1, 101),
                Duration.ofMillis(random.nextLong(100_000)),
                Duration.ofMillis(random.nextLong(100_000_000)),
                random.nextDouble(1, 10),
                random.nextDouble(),
                new RetryRules(rules(random), rules(random)),
                maybe(random, Duration.ofMillis(random.nextLong(10, 100_000_000))));
    }

    private static List<FailureRule> rules(RandomGenerator random) {
        return List.of("timeout", "exit:1-9", "http:5xx", "error:ConnectionRefused", "start", "signal:9")
                .subList(0, random.nextInt(7))
                .stream()
                .map(FailureRule::new)
                .toList();
    }

    private static Map<String, String> map(RandomGenerator random) {
        var map = new LinkedHashMap<String, String>();
        for (var n = random.nextInt(4); n > 0; n--) {
            map.put("KEY_" + random.nextInt(100), text(random));
        }
        return map;
    }

    private static Json json(RandomGenerator random) {
        return new Json(JSON.get(random.nextInt(JSON.size())));
    }

    private static String text(RandomGenerator random) {
        var text = new StringBuilder("x");
        for (var n = random.nextInt(20); n > 0; n--) {
            var codePoints = LETTERS.codePoints().toArray();
            text.appendCodePoint(codePoints[random.nextInt(codePoints.length)]);
        }
        return text.toString();
    }

    private static <T> Optional<T> maybe(RandomGenerator random, T value) {
        return random.nextBoolean() ? Optional.of(value) : Optional.empty();
    }
}
