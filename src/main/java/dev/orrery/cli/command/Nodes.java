package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.domain.Nearest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Finds nodes, by what people call them: the name, or the id. */
final class Nodes {

    private static final int PART = 500;

    private final ApiClient client;

    Nodes(ApiClient client) {
        this.client = client;
    }

    /** Those that are not gone, the newest first. */
    List<JsonObject> present() {
        var found = new ArrayList<JsonObject>();
        for (var state : List.of("working", "draining", "silent")) {
            found.addAll(inState(state));
        }
        found.sort(Comparator.comparing((JsonObject node) -> node.textOrEmpty("startedAt"))
                .reversed());
        return List.copyOf(found);
    }

    private List<JsonObject> inState(String state) {
        var found = new ArrayList<JsonObject>();
        var cursor = Optional.of("");
        while (cursor.isPresent()) {
            var from = cursor.get().isEmpty() ? "" : "&cursor=" + ApiClient.encode(cursor.get());
            var part = client.get("/api/v1/nodes?state=" + state + "&limit=" + PART + from)
                    .object();
            found.addAll(part.objects("items"));
            cursor = part.text("nextCursor");
        }
        return found;
    }

    /** The one node of this name or id that is not gone; a failure that names the nearest known one where there is none. */
    JsonObject find(String nameOrId) {
        var present = present();
        var matching = present.stream().filter(node -> isCalled(node, nameOrId)).toList();
        if (matching.size() > 1) {
            var ids = matching.stream().map(node -> node.textOrEmpty("id")).collect(Collectors.joining(", "));
            throw CommandFailure.usage(
                    matching.size() + " nodes are called '" + nameOrId + "'", "name one of them by its id: " + ids);
        }
        return matching.stream().findFirst().orElseThrow(() -> unknown(nameOrId, present));
    }

    private static boolean isCalled(JsonObject node, String nameOrId) {
        return node.textOrEmpty("name").equals(nameOrId)
                || node.textOrEmpty("id").equalsIgnoreCase(nameOrId);
    }

    private static CommandFailure unknown(String nameOrId, List<JsonObject> present) {
        var names = present.stream().map(node -> node.textOrEmpty("name")).toList();
        return CommandFailure.notFound(
                "no node is called '" + nameOrId + "'",
                Nearest.to(nameOrId, names)
                        .map(name -> "did you mean '" + name + "'?")
                        .orElse("'cluster status' shows which there are"));
    }
}
