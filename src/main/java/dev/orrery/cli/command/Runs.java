package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** Finds runs by what people call them: the id, its beginning, or {@code latest}. */
final class Runs {

    static final String LATEST = "latest";

    private static final Pattern ID_BEGINNING = Pattern.compile("[0-9A-Fa-f-]{6,35}");
    private static final int SEARCHED = 500;
    private static final int NAMED_MAX = 5;

    private final ApiClient client;

    Runs(ApiClient client) {
        this.client = client;
    }

    /** The id of the run that is meant; whether a full id exists is left to the call that uses it. */
    String find(String idOrBeginning) {
        if (Dags.UUID_FORM.matcher(idOrBeginning).matches()) {
            return idOrBeginning.toLowerCase(Locale.ROOT);
        }
        if (idOrBeginning.equals(LATEST)) {
            return newest(1).stream()
                    .findFirst()
                    .orElseThrow(
                            () -> CommandFailure.notFound("there is no run yet", "start one with 'dag trigger NAME'"));
        }
        if (!ID_BEGINNING.matcher(idOrBeginning).matches()) {
            throw CommandFailure.usage(
                    "'" + idOrBeginning + "' is no run id",
                    "give the id, at least 6 characters of its beginning, or '" + LATEST + "'");
        }
        return byBeginning(idOrBeginning.toLowerCase(Locale.ROOT));
    }

    private String byBeginning(String beginning) {
        var found =
                newest(SEARCHED).stream().filter(id -> id.startsWith(beginning)).toList();
        if (found.isEmpty()) {
            throw CommandFailure.notFound(
                    "none of the newest " + SEARCHED + " runs begins with '" + beginning + "'",
                    "'run list' shows the newest; an older run is found by its whole id");
        }
        if (found.size() > 1) {
            var some = String.join(", ", found.subList(0, Math.min(found.size(), NAMED_MAX)));
            throw CommandFailure.usage(
                    found.size() + " runs begin with '" + beginning + "'", "give more of it: " + some);
        }
        return found.getFirst();
    }

    private List<String> newest(int limit) {
        return client.get("/api/v1/runs?limit=" + limit).list().stream()
                .map((JsonObject run) -> run.textOrEmpty("runId"))
                .toList();
    }
}
