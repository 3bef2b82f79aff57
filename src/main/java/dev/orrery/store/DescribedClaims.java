package dev.orrery.store;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import io.vertx.sqlclient.Row;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a row of {@code describe_tasks} tells of what was claimed; nothing where it has nothing to tell. */
final class DescribedClaims {

    /** In place of a definition that is not there: its task fails, and no other. */
    private static final String NOTHING = "null";

    private final Integer @Nullable [] tenants;
    private final String[] names;
    private final @Nullable String[] definitions;
    private final String[] inputs;

    DescribedClaims(Row row) {
        tenants = row.getArrayOfIntegers("tenants");
        names = row.getArrayOfStrings("tenant_names");
        definitions = row.getArrayOfStrings("definitions");
        inputs = row.getArrayOfStrings("inputs");
    }

    /** What the single task at this place, from 0 on, is; absent for a task of a run. */
    Optional<Claim.Single> single(int place, TaskInstanceId id) {
        if (tenants == null || tenants[place] == null) {
            return Optional.empty();
        }
        return Optional.of(new Claim.Single(
                new Tenant(new TenantId(tenants[place]), names[place]),
                DagJson.readSingle(new Json(Objects.requireNonNullElse(definitions[place], NOTHING)), id)));
    }

    /** What the task at this place is given, where that is told. */
    Optional<Json> input(int place) {
        return Optional.ofNullable(tenants == null ? null : inputs[place]).map(Json::new);
    }
}
