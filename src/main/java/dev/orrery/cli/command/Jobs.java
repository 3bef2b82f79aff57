package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.domain.Nearest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Finds jobs by what people call them: the id, or a name that one job alone has. */
final class Jobs {

    static final String PATH = "/api/v1/jobs";

    private static final int NAME_LIMIT = 255;
    private static final int PAGE = 500;
    private static final int PAGES_MAX = 20;
    private static final int NAMED_MAX = 5;

    private final ApiClient client;

    Jobs(ApiClient client) {
        this.client = client;
    }

    /** Where this job is found. */
    static String path(JsonObject job) {
        return PATH + "/" + job.textOrEmpty("id");
    }

    /** The job of this id or name; a failure where there is none, or where several have the name. */
    JsonObject find(String idOrName) {
        return byId(idOrName).orElseGet(() -> byName(idOrName));
    }

    private Optional<JsonObject> byId(String id) {
        if (!Dags.UUID_FORM.matcher(id).matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(client.get(PATH + "/" + id).object());
        } catch (CommandFailure failure) {
            if (failure.exitCode() == ExitCode.NOT_FOUND) {
                return Optional.empty();
            }
            throw failure;
        }
    }

    private JsonObject byName(String name) {
        var found = name.isBlank() || name.codePointCount(0, name.length()) > NAME_LIMIT
                ? List.<JsonObject>of()
                : named(name);
        if (found.isEmpty()) {
            throw unknown(name);
        }
        if (found.size() > 1) {
            throw CommandFailure.usage(
                    found.size() + " jobs are called '" + name + "'",
                    "give the id of the one that is meant: " + ids(found));
        }
        return found.getFirst();
    }

    private List<JsonObject> named(String name) {
        var query = PATH + "?text=" + ApiClient.encode(name) + "&limit=" + PAGE;
        var found = new ArrayList<JsonObject>();
        var cursor = Optional.of("");
        for (var page = 0; page < PAGES_MAX && cursor.isPresent(); page++) {
            var from = cursor.get();
            var answer = client.get(query + (from.isEmpty() ? "" : "&cursor=" + ApiClient.encode(from)))
                    .object();
            answer.objects("items").stream()
                    .filter(job -> job.textOrEmpty("name").equals(name))
                    .forEach(found::add);
            cursor = answer.text("nextCursor");
        }
        return found;
    }

    private static String ids(List<JsonObject> found) {
        var some = found.stream()
                .limit(NAMED_MAX)
                .map(job -> job.textOrEmpty("id") + " (" + job.textOrEmpty("status") + ")")
                .collect(Collectors.joining(", "));
        return found.size() > NAMED_MAX ? some + ", …" : some;
    }

    private CommandFailure unknown(String idOrName) {
        var known = client.get(PATH + "?limit=" + PAGE).object().objects("items").stream()
                .map(job -> job.textOrEmpty("name"))
                .distinct()
                .toList();
        var help = known.isEmpty()
                ? "the node has no job yet; register one with 'job create'"
                : Nearest.to(idOrName, known)
                        .map(name -> "did you mean '" + name + "'?")
                        .orElse("'job list' shows what there is");
        return CommandFailure.notFound("no job is called '" + idOrName + "'", help);
    }
}
