package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.JsonObject;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Single tasks of one submission, and how they stood when they were looked at; a task alone, where not all of it are meant. */
final class SubmittedTogether {

    /** The end of an id is the task's number in its submission. */
    private static final int NUMBER_DIGITS = 8;

    private final Set<String> ids;
    private final Map<String, Integer> states = new HashMap<>();

    private SubmittedTogether(Set<String> ids) {
        this.ids = ids;
    }

    /** The tasks by the submissions that they came with; each counts once. */
    static Deque<SubmittedTogether> of(List<String> ids) {
        var submissions = new LinkedHashMap<String, Set<String>>();
        for (var id : ids) {
            var submission = id.substring(0, Math.max(0, id.length() - NUMBER_DIGITS));
            submissions.computeIfAbsent(submission, _ -> new LinkedHashSet<>()).add(id);
        }
        var all = new ArrayDeque<SubmittedTogether>();
        submissions.values().forEach(together -> all.add(new SubmittedTogether(together)));
        return all;
    }

    int size() {
        return ids.size();
    }

    Map<String, Integer> states() {
        return states;
    }

    int ended() {
        return Tasks.ENDS.stream().mapToInt(end -> states.getOrDefault(end, 0)).sum();
    }

    boolean hasEnded() {
        return ended() == size();
    }

    /** Asks the node how they stand. Where the submission has others too, each is asked for by itself from now on. */
    List<SubmittedTogether> look(ApiClient client) {
        states.clear();
        var path = Tasks.path(ids.iterator().next());
        if (size() == 1) {
            states.put(client.get(path).object().textOrEmpty("state"), 1);
            return List.of(this);
        }
        var counts = client.get(path + "/batch").object();
        if (counts.integer("total") != size()) {
            return ids.stream().map(id -> new SubmittedTogether(Set.of(id))).toList();
        }
        counts.objects("states").forEach(this::count);
        return List.of(this);
    }

    private void count(JsonObject state) {
        states.put(state.textOrEmpty("state"), state.integer("count"));
    }
}
