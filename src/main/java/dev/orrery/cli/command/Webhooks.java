package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.JsonObject;

/** What the commands about webhooks have in common. */
final class Webhooks {

    static final String PATH = "/api/v1/webhooks";

    private Webhooks() {}

    static String path(String name) {
        return PATH + "/" + ApiClient.encode(name);
    }

    /** Where others send to, as this shell sees the node. */
    static String url(ApiClient client, JsonObject webhook) {
        return client.server() + webhook.textOrEmpty("path");
    }

    /** What the events are called. */
    static String events(JsonObject webhook) {
        return webhook.text("eventName").orElseGet(() -> "by " + webhook.textOrEmpty("eventNameFrom"));
    }
}
