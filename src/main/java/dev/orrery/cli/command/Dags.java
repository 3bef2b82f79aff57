package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.domain.Nearest;
import java.util.Optional;
import java.util.regex.Pattern;

/** Finds DAGs by what people call them: the name, or the id. */
final class Dags {

    static final Pattern UUID_FORM =
            Pattern.compile("[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}");

    private final ApiClient client;

    Dags(ApiClient client) {
        this.client = client;
    }

    /** The DAG of this name or id; a failure that names the nearest known one where there is none. */
    JsonObject find(String nameOrId) {
        return byName(nameOrId).or(() -> byId(nameOrId)).orElseThrow(() -> unknown(nameOrId));
    }

    Optional<JsonObject> byName(String name) {
        if (name.isBlank() || name.codePointCount(0, name.length()) > 255) {
            return Optional.empty();
        }
        return client.get("/api/v1/dags?name=" + ApiClient.encode(name)).list().stream()
                .filter(dag -> dag.textOrEmpty("name").equals(name))
                .findFirst();
    }

    private Optional<JsonObject> byId(String id) {
        if (!UUID_FORM.matcher(id).matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(client.get("/api/v1/dags/" + id).object());
        } catch (CommandFailure failure) {
            if (failure.exitCode() == ExitCode.NOT_FOUND) {
                return Optional.empty();
            }
            throw failure;
        }
    }

    private CommandFailure unknown(String nameOrId) {
        var known = client.get("/api/v1/dags?limit=500").list().stream()
                .map(dag -> dag.textOrEmpty("name"))
                .toList();
        var help = known.isEmpty()
                ? "the node has no DAG yet; publish one with 'dag apply FILE'"
                : Nearest.to(nameOrId, known)
                        .map(name -> "did you mean '" + name + "'?")
                        .orElse("'dag list' shows what there is");
        return CommandFailure.notFound("no DAG is called '" + nameOrId + "'", help);
    }
}
