package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.service.DagService;
import dev.orrery.service.DagSummary;
import io.vertx.core.Future;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** The operations tagged {@code DAGs}. */
final class DagOperations {

    private static final int YAML_BYTES_MAX = 1024 * 1024;

    private final DagService dags;

    DagOperations(DagService dags) {
        this.dags = dags;
    }

    Map<String, Operation> byId() {
        return Map.of(
                "createDag", this::create,
                "listDags", this::list,
                "getDag", this::get,
                "updateDag", this::update,
                "deleteDag", this::delete,
                "getDagDefinition", this::definition,
                "listDagVersions", this::versions,
                "pauseDag", this::pause,
                "resumeDag", this::resume);
    }

    private Future<Answer> create(ApiRequest request) {
        var name = Optional.ofNullable(request.body().getString("name"));
        return dags.by(request.change())
                .create(request.tenant(), name, yaml(request), request.key())
                .map(dag -> answer(201, dag).with("Location", Contract.BASE_PATH + "/dags/" + dag.id()));
    }

    private Future<Answer> list(ApiRequest request) {
        return dags.list(request.tenant(), request.page(), request.optionalText("name"))
                .map(list -> Answer.json(200, out -> JsonShapes.array(out, list, JsonShapes::dag)));
    }

    private Future<Answer> get(ApiRequest request) {
        return dags.get(request.tenant(), request.dagId()).map(dag -> answer(200, dag));
    }

    private Future<Answer> update(ApiRequest request) {
        return dags.by(request.change())
                .update(request.tenant(), request.dagId(), yaml(request), ifMatch(request))
                .map(dag -> answer(200, dag));
    }

    /** The version that the change was made from; nothing where any will do. */
    private static OptionalInt ifMatch(ApiRequest request) {
        return request.optionalText("If-Match")
                .filter(version -> !version.equals("*"))
                .map(version -> OptionalInt.of(Integer.parseInt(version.replace("\"", ""))))
                .orElseGet(OptionalInt::empty);
    }

    private Future<Answer> delete(ApiRequest request) {
        return dags.by(request.change())
                .delete(request.tenant(), request.dagId())
                .map(_ -> Answer.empty(204));
    }

    private Future<Answer> definition(ApiRequest request) {
        return dags.definition(request.tenant(), request.dagId(), request.optionalNumber("version"))
                .map(dag ->
                        Answer.json(200, out -> JsonShapes.document(out, dag)).with("ETag", etag(dag.version())));
    }

    private Future<Answer> versions(ApiRequest request) {
        var limit = Math.toIntExact(request.number("limit"));
        return dags.versions(request.tenant(), request.dagId(), request.optionalText("cursor"), limit)
                .map(page -> Answer.json(200, out -> JsonShapes.cursorPage(out, page, JsonShapes::version)));
    }

    private Future<Answer> pause(ApiRequest request) {
        return dags.by(request.change())
                .pause(request.tenant(), request.dagId(), request.key())
                .map(dag -> answer(200, dag));
    }

    private Future<Answer> resume(ApiRequest request) {
        return dags.by(request.change())
                .resume(request.tenant(), request.dagId(), request.key())
                .map(dag -> answer(200, dag));
    }

    private static String yaml(ApiRequest request) {
        var yaml = request.body().getString("yaml");
        if (yaml.length() > YAML_BYTES_MAX || yaml.getBytes(UTF_8).length > YAML_BYTES_MAX) {
            throw new OrreryException(ErrorCode.PAYLOAD_TOO_LARGE, "the DAG file is over " + YAML_BYTES_MAX + " bytes");
        }
        return yaml;
    }

    private static Answer answer(int status, DagSummary dag) {
        return Answer.json(status, out -> JsonShapes.dag(out, dag)).with("ETag", etag(dag.version()));
    }

    private static String etag(int version) {
        return "\"" + version + "\"";
    }
}
