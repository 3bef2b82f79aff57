package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.domain.ErrorCode;
import java.util.Map;
import java.util.Optional;

/** Creates DAGs or gives them new versions, whichever their names call for. */
final class Publishing {

    /** What became of a file. */
    enum Result {
        CREATED("created"),
        UPDATED("updated"),
        UNCHANGED("unchanged");

        private final String text;

        Result(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** The DAG as the node has it now. */
    record Published(Result result, JsonObject dag) {}

    private final ApiClient client;

    Publishing(ApiClient client) {
        this.client = client;
    }

    Published publish(String name, String yaml) {
        var existing = existing(name);
        return existing.isPresent() ? update(existing.get(), yaml) : create(name, yaml);
    }

    Optional<JsonObject> existing(String name) {
        return new Dags(client).byName(name);
    }

    private Published create(String name, String yaml) {
        try {
            var body = JsonObject.of(Map.of("name", name, "yaml", yaml));
            return new Published(
                    Result.CREATED, client.post("/api/v1/dags", body).object());
        } catch (CommandFailure failure) {
            if (failure.code() != ErrorCode.CONFLICT) {
                throw failure;
            }
            // Somebody else was faster: then theirs is what we change.
            return update(existing(name).orElseThrow(() -> failure), yaml);
        }
    }

    private Published update(JsonObject existing, String yaml) {
        var answer =
                client.put("/api/v1/dags/" + existing.textOrEmpty("id"), JsonObject.of(Map.of("yaml", yaml)), Map.of());
        var dag = answer.object();
        var changed = dag.integer("version") != existing.integer("version");
        return new Published(changed ? Result.UPDATED : Result.UNCHANGED, dag);
    }
}
