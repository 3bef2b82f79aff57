/**
 * Speaks to a node's REST API, with little: plain {@link java.net.HttpURLConnection} and streaming Jackson, since a
 * command that only asks must have answered before richer libraries have loaded their classes.
 */
@NullMarked
package dev.orrery.cli.client;

import org.jspecify.annotations.NullMarked;
