package dev.orrery.fault;

import dev.orrery.fault.History.Plan;
import dev.orrery.fault.History.PlannedTask;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The DAGs of the load: chains and fan-ins of processes that leave signs of their work, crowds of short tasks that end
 * in one batch, some that fail as planned, and some that take longer than a node is waited for.
 */
final class Shapes {

    private static final int BEAT_MILLIS = 200;

    private final Map<String, Plan> plans = new LinkedHashMap<>();
    private final Map<String, String> texts = new LinkedHashMap<>();

    /** {@code suffix}: part of all names, so that each round has DAGs of its own; {@code effects}: the file to append to. */
    Shapes(String suffix, Path effects) {
        var sign = new Sign(effects);
        add(new Draft("chain" + suffix)
                .process("a", 2, sign)
                .process("b", 3, sign, "a")
                .process("c", 1, sign, "b")
                .process("d", 2, sign, "c"));
        var fan = new Draft("fan" + suffix).process("first", 1, sign);
        for (var n = 0; n < 5; n++) {
            fan.process("part-" + n, 1 + n, sign, "first");
        }
        add(fan.process("last", 1, sign, "part-0", "part-1", "part-2", "part-3", "part-4"));
        var crowd = new Draft("crowd" + suffix);
        var all = new ArrayList<String>();
        for (var n = 0; n < 20; n++) {
            crowd.sleep("one-" + n, n % 4 == 0 ? 60 : 5);
            all.add("one-" + n);
        }
        add(crowd.sleep("all", 5, all.toArray(String[]::new)));
        add(new Draft("fails" + suffix)
                .process("good", 1, sign)
                .failing("broken", 2, "good")
                .sleep("never", 5, "broken")
                .sleep("nor-this", 5, "never", "good")
                .process("beside", 1, sign, "good"));
        add(new Draft("locked" + suffix)
                .locked("one", "only-one" + suffix, sign)
                .locked("other", "only-one" + suffix, sign));
        add(new Draft("long" + suffix).process("slow", 45, sign).process("then", 1, sign, "slow"));
    }

    Map<String, Plan> plans() {
        return plans;
    }

    /** Their texts, by name. */
    Map<String, String> texts() {
        return texts;
    }

    private void add(Draft draft) {
        plans.put(draft.name, new Plan(draft.tasks));
        texts.put(draft.name, draft.yaml.toString());
    }

    /** The shell function by which a process leaves signs; it reads a clock that no fault changes. */
    private record Sign(Path effects) {

        String command(int beats) {
            return "sign() { read -r up rest </proc/uptime; echo \"$up $ORRERY_RUN_ID $ORRERY_TASK_ID $ORRERY_ATTEMPT"
                    + " $ORRERY_FENCE $ORRERY_API $1 ${ORRERY_LOCK_FENCE:-0}\" >>'" + effects
                    + "'; }; sign START; n=0; while [ $n -lt " + beats
                    + " ]; do sleep 0." + BEAT_MILLIS + "; sign ALIVE; n=$((n+1)); done; sign END";
        }
    }

    private static final class Draft {

        private final String name;
        private final Map<String, PlannedTask> tasks = new LinkedHashMap<>();
        private final StringBuilder yaml = new StringBuilder("tasks:\n");

        private Draft(String name) {
            this.name = name;
        }

        /** A process of so many beats. */
        private Draft process(String id, int beats, Sign sign, String... after) {
            return task(id, 0, true, "type: shell\n    command: |\n      " + sign.command(beats), after);
        }

        /** A process of one beat that holds a lock meanwhile. */
        private Draft locked(String id, String lock, Sign sign) {
            task(id, 0, true, "lock: " + lock + "\n    type: shell\n    command: |\n      " + sign.command(1));
            tasks.put(id, new PlannedTask(Set.of(), 0, true, lock));
            return this;
        }

        private Draft sleep(String id, int millis, String... after) {
            return task(id, 0, false, "type: handler\n    handler: sleep\n    input: { ms: " + millis + " }", after);
        }

        private Draft failing(String id, int attempts, String... after) {
            var retry = "retry: { maxAttempts: " + attempts + ", initialDelay: 300ms }";
            return task(id, attempts, false, "type: shell\n    command: exit 7\n    " + retry, after);
        }

        private Draft task(String id, int attempts, boolean hasEffects, String body, String... after) {
            tasks.put(id, new PlannedTask(new TreeSet<>(Set.of(after)), attempts, hasEffects));
            yaml.append("  - id: ").append(id).append("\n    ").append(body).append('\n');
            if (after.length > 0) {
                yaml.append("    dependencies: ")
                        .append(List.of(after).stream().collect(Collectors.joining(", ", "[", "]\n")));
            }
            return this;
        }
    }
}
