package dev.orrery.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.service.TenantService;
import dev.orrery.store.TenantRepository.StoredTenant;
import io.vertx.core.Future;
import java.io.IOException;
import java.util.Map;

/** The operations tagged {@code Tenants}. */
final class TenantOperations {

    private final TenantService tenants;

    TenantOperations(TenantService tenants) {
        this.tenants = tenants;
    }

    Map<String, Operation> byId() {
        return Map.of(
                "createTenant", this::create,
                "listTenants", this::list,
                "getTenant", this::get,
                "deleteTenant", this::delete);
    }

    private Future<Answer> create(ApiRequest request) {
        return tenants.create(request.body().getString("name"), request.key(), request.change())
                .map(made -> Answer.json(201, out -> show(out, made))
                        .with(
                                "Location",
                                Contract.BASE_PATH + "/tenants/" + made.tenant().name()));
    }

    private Future<Answer> list(ApiRequest request) {
        var limit = Math.toIntExact(request.number("limit"));
        return tenants.list(request.optionalText("cursor"), limit)
                .map(page -> Answer.json(200, out -> JsonShapes.cursorPage(out, page, TenantOperations::show)));
    }

    private Future<Answer> get(ApiRequest request) {
        return tenants.get(request.text("tenant")).map(found -> Answer.json(200, out -> show(out, found)));
    }

    private Future<Answer> delete(ApiRequest request) {
        return tenants.delete(request.text("tenant"), request.change()).map(_ -> Answer.empty(204));
    }

    private static void show(JsonGenerator out, StoredTenant stored) throws IOException {
        out.writeStartObject();
        out.writeStringField("name", stored.tenant().name());
        JsonShapes.time(out, "createdAt", stored.createdAt());
        out.writeEndObject();
    }
}
