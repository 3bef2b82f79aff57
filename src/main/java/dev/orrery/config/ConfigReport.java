package dev.orrery.config;

import java.util.List;

/** The effective value of every setting and where it came from, without secrets. */
public record ConfigReport(List<Row> rows) {

    /**
     * One setting.
     *
     * @param value as it would be written, masked where it is secret
     * @param origin {@code default}, or where it was set: {@code node.yaml:3:9}, {@code ORRERY_HTTP_PORT}, {@code --set}
     */
    public record Row(String key, String value, String origin) {}

    public ConfigReport {
        rows = List.copyOf(rows);
    }
}
