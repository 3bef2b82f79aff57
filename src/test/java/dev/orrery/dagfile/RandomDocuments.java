package dev.orrery.dagfile;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** DAG files as JSON: valid ones, and what becomes of them when someone slips. */
final class RandomDocuments {

    private static final List<String> DURATIONS = List.of("10ms", "30s", "5m", "1h30m", "2d", "PT1H", "P1DT0.5S");

    private static final List<Object> WRONG_VALUES = List.of(
            "",
            " ",
            "x",
            "a b",
            "007",
            "30",
            "1h30m",
            "PT1M",
            "99d",
            "@daily",
            "0 2 * * *",
            "Europe/Berlin",
            "http://x",
            "${ORRERY_API}",
            "GET",
            "get",
            "shell",
            "python",
            "t0",
            "a\u0001b",
            "=",
            "é",
            "-x",
            0,
            1,
            11,
            101,
            -1,
            0.5,
            1.5,
            2.0,
            1e10,
            true,
            false);

    private RandomDocuments() {}

    static JsonObject valid(RandomGenerator random) {
        var dag = new JsonObject();
        maybe(dag, "name", "report", random);
        maybe(dag, "description", "What it is for: \"all\"", random);
        maybe(dag, "schedule", pick(List.of("0 2 * * *", "@daily", "*/5 * * * * *"), random), random);
        maybe(dag, "timezone", pick(List.of("UTC", "Europe/Berlin", "Etc/GMT+5"), random), random);
        var tasks = new JsonArray();
        var count = random.nextInt(1, 5);
        for (var n = 0; n < count; n++) {
            tasks.add(task(n, random));
        }
        return dag.put("tasks", tasks);
    }

    private static JsonObject task(int number, RandomGenerator random) {
        var task = new JsonObject().put("id", "t" + number);
        maybe(task, "name", "Task " + number, random);
        maybe(task, "timeout", pick(DURATIONS, random), random);
        maybe(task, "totalTimeout", pick(DURATIONS, random), random);
        maybe(task, random.nextBoolean() ? "retry" : "retryPolicy", retry(random), random);
        maybe(task, "priority", random.nextInt(0, 11), random);
        maybe(task, "queue", "slow.1", random);
        var dependencies = new JsonArray();
        for (var upstream = 0; upstream < number; upstream++) {
            if (random.nextInt(3) == 0) {
                dependencies.add("t" + upstream);
            }
        }
        maybe(task, "dependencies", dependencies, random);
        var type = pick(FieldNames.TYPES, random);
        if (type.equals("agent")) {
            task.remove("queue");
        }
        return typed(task.put("type", type), type, random);
    }

    private static JsonObject typed(JsonObject task, String type, RandomGenerator random) {
        var values =
                new JsonObject().put("A", "no").put("b_c", 7).put("C", true).putNull("D");
        switch (type) {
            case "shell" -> maybe(task.put("command", "echo"), "env", values, random);
            case "http" -> {
                task.put("url", "https://example.org/${ORRERY_RUN_ID}");
                maybe(task, "method", "POST", random);
                maybe(task, "headers", values, random);
                maybe(
                        task,
                        "body",
                        values.copy().put("list", new JsonArray().add(1).addNull()),
                        random);
            }
            case "python" -> {
                task.put(random.nextBoolean() ? "script" : "code", "main.py");
                maybe(task, "args", new JsonArray().add("--n").add(3), random);
                maybe(task, "env", values, random);
                maybe(task, "virtualEnv", "/opt/x", random);
            }
            default -> maybe(task.put("handler", "echo"), "input", values, random);
        }
        if (type.equals("shell") || type.equals("python")) {
            maybe(task, "workingDirectory", "work", random);
        }
        return task;
    }

    private static JsonObject retry(RandomGenerator random) {
        var retry = new JsonObject();
        maybe(retry, "maxAttempts", random.nextInt(1, 101), random);
        maybe(retry, "initialDelay", "0s", random);
        maybe(retry, "maxDelay", pick(DURATIONS, random), random);
        maybe(retry, "backoffMultiplier", pick(List.of(1, 1.5, 10), random), random);
        maybe(retry, "jitter", pick(List.of(0, 0.25, 1), random), random);
        maybe(retry, "retryOn", new JsonArray().add("timeout").add("exit:1-9").add("http:5xx"), random);
        maybe(retry, "giveUpOn", new JsonArray().add("error:ConnectionRefused"), random);
        return retry;
    }

    private static void maybe(JsonObject mapping, String field, Object value, RandomGenerator random) {
        if (random.nextBoolean()) {
            mapping.put(field, value);
        }
    }

    private static <T> T pick(List<T> choices, RandomGenerator random) {
        return choices.get(random.nextInt(choices.size()));
    }

    /** Changes one place somewhere in the tree. */
    static void mutate(JsonObject dag, RandomGenerator random) {
        var collections = new ArrayList<Object>();
        collect(dag, collections);
        if (pick(collections, random) instanceof JsonObject mapping) {
            mutateMapping(mapping, random);
        } else if (collections.get(random.nextInt(collections.size())) instanceof JsonArray list) {
            mutateList(list, random);
        }
    }

    private static void collect(Object value, List<Object> collections) {
        if (value instanceof JsonObject mapping) {
            collections.add(mapping);
            mapping.forEach(entry -> collect(entry.getValue(), collections));
        } else if (value instanceof JsonArray list) {
            collections.add(list);
            list.forEach(item -> collect(item, collections));
        }
    }

    private static void mutateMapping(JsonObject mapping, RandomGenerator random) {
        var fields = List.copyOf(mapping.fieldNames());
        var field = fields.isEmpty() ? "x" : pick(fields, random);
        switch (random.nextInt(6)) {
            case 0 -> mapping.remove(field);
            case 1 -> mapping.put(pick(List.of("x", "comand", "", "ORRERY_API", "a b", "A=B"), random), "x");
            case 2 -> mapping.put(pick(List.copyOf(FieldNames.ofTask(Optional.empty())), random), wrong(random));
            case 3 -> mapping.put(field.toUpperCase(Locale.ROOT), mapping.getValue(field));
            default -> mapping.put(field, wrong(random));
        }
    }

    private static void mutateList(JsonArray list, RandomGenerator random) {
        if (list.isEmpty() || random.nextBoolean()) {
            list.add(wrong(random));
        } else if (random.nextBoolean()) {
            list.remove(random.nextInt(list.size()));
        } else {
            list.add(list.getValue(random.nextInt(list.size())));
        }
    }

    private static Object wrong(RandomGenerator random) {
        return switch (random.nextInt(12)) {
            case 0 -> new JsonObject();
            case 1 -> new JsonArray();
            case 2 -> new JsonObject().put("maxAttempts", 2);
            case 3 -> new JsonArray().add("t0");
            default -> pick(WRONG_VALUES, random);
        };
    }
}
