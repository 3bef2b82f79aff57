package dev.orrery.cli.command;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** For how long in all, and after which failures, something is tried again: the options that tasks, jobs and event handlers share. */
final class RetryOptions {

    @Option(
            names = "--total-timeout",
            paramLabel = "DURATION",
            order = 43,
            description = "How long all attempts may take together (default: as long as they do).")
    @Nullable String totalTimeout;

    @Option(
            names = "--retry-on",
            paramLabel = "KIND",
            order = 43,
            split = ",",
            description = "Only such failures are tried again, such as timeout, exit:75 or http:5xx; may be repeated.")
    List<String> retryOn = List.of();

    @Option(
            names = "--give-up-on",
            paramLabel = "KIND",
            order = 43,
            split = ",",
            description = "Such failures are not tried again; may be repeated.")
    List<String> giveUpOn = List.of();

    @Nullable List<String> retryOnOrNull() {
        return retryOn.isEmpty() ? null : retryOn;
    }

    @Nullable List<String> giveUpOnOrNull() {
        return giveUpOn.isEmpty() ? null : giveUpOn;
    }
}
