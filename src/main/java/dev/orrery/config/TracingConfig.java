package dev.orrery.config;

import java.time.Duration;
import java.util.List;

/**
 * Where traces go.
 *
 * @param otlpEndpoint the collector; empty: nothing is traced
 * @param headers what the collector asks for, as {@code name=value}
 * @param sampleRatio how many of the traces that begin here are recorded, from 0 to 1
 * @param serviceName what the node's part of a trace is called
 * @param timeout how long the collector may take
 */
public record TracingConfig(
        String otlpEndpoint, List<String> headers, double sampleRatio, String serviceName, Duration timeout) {

    public static final TracingConfig DEFAULT = new TracingConfig("", List.of(), 1, "orrery", Duration.ofSeconds(10));

    public TracingConfig {
        headers = List.copyOf(headers);
        Settings.TRACING_OTLP_ENDPOINT.check(otlpEndpoint);
        Settings.TRACING_HEADERS.check(headers);
        Settings.TRACING_SAMPLE_RATIO.check(sampleRatio);
        Settings.TRACING_SERVICE_NAME.check(serviceName);
        Settings.TRACING_TIMEOUT.check(timeout);
    }

    public boolean isOn() {
        return !otlpEndpoint.isEmpty();
    }

    /** Without the headers, which may hold keys: configurations get into logs. */
    @Override
    public String toString() {
        return "TracingConfig[otlpEndpoint=" + otlpEndpoint + ", headers="
                + Secrets.masked(String.join(",", headers)) + ", sampleRatio=" + sampleRatio + ", serviceName="
                + serviceName + ", timeout=" + timeout + "]";
    }
}
