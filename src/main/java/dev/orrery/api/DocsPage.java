package dev.orrery.api;

import io.vertx.core.json.Json;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The contract as a page for people: every call with its parameters, bodies, answers, an example and a line for curl. */
final class DocsPage {

    private static final List<String> METHODS = List.of("get", "post", "put", "patch", "delete");

    private final JsonObject document;
    private final StringBuilder html = new StringBuilder(64 * 1024);

    /** A call: where it stands and what the contract says. */
    private record Call(String path, String method, JsonObject operation, List<JsonObject> parameters) {

        String id() {
            return operation.getString("operationId");
        }

        String tag() {
            return operation.getJsonArray("tags").getString(0);
        }
    }

    DocsPage(Contract contract) {
        this.document = contract.document();
    }

    Answer render() {
        var byTag = calls().stream().collect(Collectors.groupingBy(Call::tag, LinkedHashMap::new, Collectors.toList()));
        navigation(byTag);
        html.append("<main>\n");
        introduction();
        for (var tag : objects(document.getJsonArray("tags"))) {
            var name = tag.getString("name");
            html.append("<h2 id=\"%s\">%s</h2>%n".formatted(name, name));
            html.append(Html.blocks(tag.getString("description")));
            byTag.getOrDefault(name, List.of()).forEach(this::call);
        }
        schemas();
        html.append("</main>\n");
        return Html.page("The API of Orrery", html.toString());
    }

    private List<Call> calls() {
        var calls = new ArrayList<Call>();
        for (var path : document.getJsonObject("paths")) {
            var item = (JsonObject) path.getValue();
            for (var method : METHODS) {
                if (item.getValue(method) instanceof JsonObject operation) {
                    var parameters = new ArrayList<JsonObject>();
                    parameters.addAll(objects(item.getJsonArray("parameters")));
                    parameters.addAll(objects(operation.getJsonArray("parameters")));
                    calls.add(new Call(path.getKey(), method, operation, parameters));
                }
            }
        }
        return calls;
    }

    private void navigation(Map<String, List<Call>> byTag) {
        html.append("<nav>\n<p><a href=\"/\">Orrery</a></p>\n");
        byTag.forEach((tag, calls) -> {
            html.append("<h2><a href=\"#%s\">%s</a></h2>%n<ul>%n".formatted(tag, tag));
            for (var call : calls) {
                html.append("<li><a href=\"#%s\">%s</a></li>%n"
                        .formatted(call.id(), Html.escape(call.operation().getString("summary"))));
            }
            html.append("</ul>\n");
        });
        html.append("<h2><a href=\"#schemas\">Schemas</a></h2>\n");
        html.append(
                "<p><a href=\"/docs/errors\">Errors</a> · <a href=\"/docs/openapi.yaml\">openapi.yaml</a></p>\n</nav>\n");
    }

    private void introduction() {
        var info = document.getJsonObject("info");
        html.append("<h1>The API of Orrery</h1>\n");
        html.append("<p class=\"lead\">")
                .append(Html.inline(info.getString("summary")))
                .append("</p>\n");
        html.append(Html.blocks(info.getString("description")));
        html.append("<p>All paths stand below <code>")
                .append(Contract.BASE_PATH)
                .append("</code>.</p>\n");
    }

    private void call(Call call) {
        var operation = call.operation();
        html.append("<section id=\"")
                .append(call.id())
                .append("\">\n<h3><span class=\"method ")
                .append(call.method());
        html.append("\">").append(call.method().toUpperCase(Locale.ROOT)).append("</span> <code>");
        html.append(Html.escape(call.path())).append("</code></h3>\n");
        html.append("<p class=\"summary\">")
                .append(Html.inline(operation.getString("summary")))
                .append("</p>\n");
        html.append(Html.blocks(operation.getString("description", "")).replace("<p></p>\n", ""));
        parameters(call.parameters());
        requestBody(operation.getJsonObject("requestBody"));
        answers(operation.getJsonObject("responses"));
        example("Try it", curl(call));
        html.append("</section>\n");
    }

    private void parameters(List<JsonObject> parameters) {
        if (parameters.isEmpty()) {
            return;
        }
        html.append("<h4>Parameters</h4>\n<table>\n<tr><th>name</th><th>in</th><th>type</th><th>meaning</th></tr>\n");
        for (var reference : parameters) {
            var parameter = resolve(reference);
            var required = parameter.getBoolean("required", false) ? " <em>required</em>" : "";
            html.append("<tr><td><code>%s</code>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>%n"
                    .formatted(
                            parameter.getString("name"),
                            required,
                            parameter.getString("in"),
                            type(parameter.getJsonObject("schema")),
                            Html.inline(parameter.getString("description", "").strip())));
        }
        html.append("</table>\n");
    }

    private void requestBody(@Nullable JsonObject body) {
        if (body == null) {
            return;
        }
        var content = body.getJsonObject("content").getJsonObject("application/json");
        html.append("<h4>Body")
                .append(body.getBoolean("required", false) ? "" : " (may be missing)")
                .append("</h4>\n");
        html.append(Html.blocks(body.getString("description", "")).replace("<p></p>\n", ""));
        if (content == null) {
            return;
        }
        fields(resolve(content.getJsonObject("schema")));
        examplesOf(content);
    }

    private void answers(JsonObject responses) {
        html.append("<h4>Answers</h4>\n<table>\n<tr><th>status</th><th>meaning</th><th>body</th></tr>\n");
        for (var entry : responses) {
            var response = resolve((JsonObject) entry.getValue());
            html.append("<tr><td>%s</td><td>%s</td><td>%s</td></tr>%n"
                    .formatted(
                            entry.getKey(),
                            Html.inline(response.getString("description").strip()),
                            bodies(response.getJsonObject("content", new JsonObject()))));
        }
        html.append("</table>\n");
        for (var entry : responses) {
            if (entry.getKey().startsWith("2")) {
                var content = resolve((JsonObject) entry.getValue()).getJsonObject("content", new JsonObject());
                content.forEach(type -> examplesOf((JsonObject) type.getValue()));
            }
        }
    }

    private String bodies(JsonObject content) {
        return content.stream()
                .map(entry -> entry.getKey().equals("application/json")
                        ? type(((JsonObject) entry.getValue()).getJsonObject("schema"))
                        : "<code>" + Html.escape(entry.getKey()) + "</code>")
                .collect(Collectors.joining("<br>"));
    }

    /** The examples of a body: its own, or those of its schema. */
    private void examplesOf(JsonObject content) {
        if (content.containsKey("example")) {
            example("Example", pretty(content.getValue("example")));
        }
        for (var entry : content.getJsonObject("examples", new JsonObject())) {
            var example = (JsonObject) entry.getValue();
            example(example.getString("summary", "Example"), pretty(example.getValue("value")));
        }
        var schema = content.getJsonObject("schema", new JsonObject());
        var list = "array".equals(schema.getValue("type"));
        var examples = resolve(list ? schema.getJsonObject("items") : schema).getJsonArray("examples");
        if (examples != null && !content.containsKey("examples")) {
            example("Example", pretty(list ? examples : examples.getValue(0)));
        }
    }

    private void example(String title, String text) {
        html.append("<details open><summary>").append(Html.escape(title)).append("</summary>\n<pre><code>");
        html.append(Html.escape(text.strip())).append("</code></pre></details>\n");
    }

    private void schemas() {
        html.append("<h2 id=\"schemas\">Schemas</h2>\n");
        for (var entry : document.getJsonObject("components").getJsonObject("schemas")) {
            var schema = (JsonObject) entry.getValue();
            html.append("<section id=\"schema-%s\">%n<h3>%s</h3>%n".formatted(entry.getKey(), entry.getKey()));
            html.append(Html.blocks(schema.getString("description", "")).replace("<p></p>\n", ""));
            if (schema.containsKey("properties")) {
                fields(schema);
            } else {
                html.append("<p>").append(shape(schema)).append("</p>\n");
            }
            html.append("</section>\n");
        }
    }

    private void fields(JsonObject schema) {
        var required = schema.getJsonArray("required", new JsonArray());
        html.append("<table>\n<tr><th>field</th><th>type</th><th>meaning</th></tr>\n");
        for (var entry : schema.getJsonObject("properties")) {
            var field = (JsonObject) entry.getValue();
            html.append("<tr><td><code>%s</code>%s</td><td>%s</td><td>%s</td></tr>%n"
                    .formatted(
                            entry.getKey(),
                            required.contains(entry.getKey()) ? "" : " <em>optional</em>",
                            type(field),
                            Html.inline(resolveDescription(field))));
        }
        html.append("</table>\n");
    }

    private String resolveDescription(JsonObject schema) {
        return schema.getString("description", resolve(schema).getString("description", ""))
                .strip();
    }

    private String type(JsonObject schema) {
        if (schema.containsKey("$ref")) {
            var name = nameOf(schema);
            return "<a href=\"#schema-%s\">%s</a>".formatted(name, name);
        }
        if ("array".equals(schema.getValue("type"))) {
            return "list of " + type(schema.getJsonObject("items"));
        }
        return shape(schema);
    }

    private static String shape(JsonObject schema) {
        if (schema.containsKey("enum")) {
            return schema.getJsonArray("enum").stream()
                    .map(value -> "<code>" + Html.escape(String.valueOf(value)) + "</code>")
                    .collect(Collectors.joining(", "));
        }
        var type = schema.getValue("type");
        var name = type instanceof JsonArray several
                ? several.stream().map(Object::toString).collect(Collectors.joining(" or "))
                : type == null ? "anything" : type.toString();
        var limits = new ArrayList<String>();
        for (var limit : new TreeSet<>(schema.fieldNames())) {
            if (List.of("format", "minimum", "maximum", "minLength", "maxLength", "pattern", "default")
                    .contains(limit)) {
                limits.add(
                        limit + " <code>" + Html.escape(schema.getValue(limit).toString()) + "</code>");
            }
        }
        return limits.isEmpty() ? name : name + "; " + String.join(", ", limits);
    }

    /** A line for a shell, filled in with the contract's examples. */
    private String curl(Call call) {
        var path = call.path();
        for (var reference : call.parameters()) {
            var parameter = resolve(reference);
            path = path.replace("{" + parameter.getString("name") + "}", String.valueOf(parameter.getValue("example")));
        }
        var url = document.getJsonArray("servers").getJsonObject(0).getString("url") + path;
        var line = new StringBuilder("curl -sS ");
        switch (call.method()) {
            case "get" -> line.append(call.id().equals("watchRun") ? "-N " : "");
            default ->
                line.append("-X ")
                        .append(call.method().toUpperCase(Locale.ROOT))
                        .append(' ');
        }
        line.append(url);
        var body = call.operation().getJsonObject("requestBody");
        if (body != null && body.getJsonObject("content").containsKey("application/json")) {
            line.append(" \\\n  -H 'Content-Type: application/json' \\\n  -d '")
                    .append(bodyExample(body))
                    .append('\'');
        }
        return line.toString();
    }

    private static String bodyExample(JsonObject body) {
        var content = body.getJsonObject("content").getJsonObject("application/json");
        var example = content.getValue("example");
        if (example == null) {
            var first = content.getJsonObject("examples").iterator().next().getValue();
            example = ((JsonObject) first).getValue("value");
        }
        return Json.encode(example).replace("'", "'\\''");
    }

    private JsonObject resolve(JsonObject object) {
        if (!(object.getValue("$ref") instanceof String reference)) {
            return object;
        }
        var found = document;
        for (var step : reference.substring(2).split("/")) {
            found = found.getJsonObject(step);
        }
        return found;
    }

    private static String nameOf(JsonObject reference) {
        var path = reference.getString("$ref");
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private static List<JsonObject> objects(@Nullable JsonArray array) {
        return array == null
                ? List.of()
                : array.stream().map(JsonObject.class::cast).toList();
    }

    private static String pretty(Object example) {
        return switch (example) {
            case String text -> text;
            case JsonObject object -> object.encodePrettily();
            case JsonArray array -> array.encodePrettily();
            default -> Json.encode(example);
        };
    }
}
