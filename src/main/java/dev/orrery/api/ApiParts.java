package dev.orrery.api;

import dev.orrery.config.HttpConfig;
import dev.orrery.telemetry.Metrics;
import java.util.Map;

/**
 * What the event loops that serve have in common.
 *
 * @param operations by the contract's operationId
 * @param pages by path
 */
record ApiParts(
        HttpConfig http,
        Contract contract,
        Map<String, Operation> operations,
        Map<String, Page> pages,
        Limits limits,
        Admission admission,
        Metrics metrics) {

    ApiParts {
        operations = Map.copyOf(operations);
        pages = Map.copyOf(pages);
    }
}
