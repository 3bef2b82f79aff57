/**
 * PostgreSQL: the only place that knows tables, SQL and servers.
 *
 * <p>{@link dev.orrery.store.Database} opens it at start: the embedded server or one by URL, checked for settings that
 * would lose committed work, and migrated.
 */
@NullMarked
package dev.orrery.store;

import org.jspecify.annotations.NullMarked;
