package dev.orrery.cli.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonObjectTest {

    @Test
    void fieldsAreReadByTheirTypes() {
        var object = JsonObject.parse("""
                {"name": "a", "version": 3, "active": true, "at": "2026-01-31T02:00:00.004Z", "tags": ["x", "y"],
                 "tasks": [{"id": "t"}], "definition": {"k": null}}
                """);

        assertThat(object.text("name")).contains("a");
        assertThat(object.integer("version")).isEqualTo(3);
        assertThat(object.flag("active")).contains(true);
        assertThat(object.time("at")).contains(Instant.parse("2026-01-31T02:00:00.004Z"));
        assertThat(object.texts("tags")).containsExactly("x", "y");
        assertThat(object.objects("tasks").getFirst().text("id")).contains("t");
        assertThat(object.object("definition").orElseThrow().json("k")).isEmpty();
    }

    @Test
    void whatIsMissingNullOrOfAnotherTypeIsAbsent() {
        var object = JsonObject.parse("{\"a\": null, \"b\": 1, \"c\": \"x\"}");

        assertThat(object.text("a")).isEmpty();
        assertThat(object.text("b")).isEmpty();
        assertThat(object.textOrEmpty("z")).isEmpty();
        assertThat(object.integer("c")).isZero();
        assertThat(object.flag("c")).isEmpty();
        assertThat(object.time("c")).isEmpty();
        assertThat(object.object("c")).isEmpty();
        assertThat(object.objects("c")).isEmpty();
        assertThat(object.texts("c")).isEmpty();
    }

    @Test
    void whatWasReadIsWrittenAsItWas() {
        var text = "{\"a\":[1,2.50,12345678901234567890,true,null,{\"b\":\"\\\"ü\\n\"}],\"c\":{}}";

        assertThat(JsonObject.parse(text)).hasToString(text);
    }

    @Test
    void fieldsCanBeAddedInFrontAndReplaced() {
        var object = JsonObject.parse("{\"a\":1}");

        assertThat(object.withFirst("event", "task")).hasToString("{\"event\":\"task\",\"a\":1}");
        assertThat(object.with("a", "x").with("b", null)).hasToString("{\"a\":\"x\",\"b\":null}");
        assertThat(object).hasToString("{\"a\":1}");
        assertThat(JsonObject.of(Map.of("k", List.of("v")))).hasToString("{\"k\":[\"v\"]}");
    }

    @Test
    void anythingElseIsRefusedWithItsPlace() {
        assertThatThrownBy(() -> JsonObject.parse("{\"a\": }"))
                .isInstanceOf(NotJson.class)
                .hasMessageContaining("1:");
        assertThatThrownBy(() -> JsonObject.parse("[1]")).isInstanceOf(NotJson.class);
        assertThatThrownBy(() -> JsonObject.parse("")).isInstanceOf(NotJson.class);
        assertThatThrownBy(() -> JsonObject.parse("{} x")).isInstanceOf(NotJson.class);
        assertThatThrownBy(() -> JsonObject.parse("{} {}")).isInstanceOf(NotJson.class);
        assertThatThrownBy(() -> JsonObject.parseList("{}")).isInstanceOf(NotJson.class);
        assertThatThrownBy(() -> JsonObject.parse("[".repeat(100_000))).isInstanceOf(NotJson.class);
    }
}
