package dev.orrery.dagfile;

import static java.util.stream.Collectors.joining;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/** Valid DAG files, drawn at random; tasks are called t0, t1, … and wait for earlier ones. */
final class RandomYaml {

    private static final List<String> KINDS = List.of(
            "type: shell, command: x",
            "type: http, url: 'http://x'",
            "type: python, code: x",
            "type: handler, handler: noop");

    private RandomYaml() {}

    static String yaml(RandomGenerator random, int maxTasks) {
        return IntStream.range(0, random.nextInt(1, maxTasks + 1))
                .mapToObj(n -> "- {id: t" + n + ", " + KINDS.get(random.nextInt(KINDS.size())) + ", dependencies: ["
                        + dependencies(random, n) + "]}\n")
                .collect(joining("", "tasks:\n", ""));
    }

    private static String dependencies(RandomGenerator random, int number) {
        var share = random.nextDouble();
        return IntStream.range(0, number)
                .filter(_ -> random.nextDouble() * number < share * 3)
                .mapToObj(upstream -> "t" + upstream)
                .collect(joining(", "));
    }
}
