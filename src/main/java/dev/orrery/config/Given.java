package dev.orrery.config;

/**
 * A value as somebody gave it.
 *
 * @param key the setting it is meant for, as written
 * @param origin where it was written, such as {@code node.yaml:3:9}, {@code ORRERY_HTTP_PORT} or {@code --http-port}
 */
record Given(String key, String text, String origin) {}
