package dev.orrery.store;

import io.vertx.pgclient.PgException;

/** What a failed statement means for whoever sent it. */
public final class StoreFailures {

    private StoreFailures() {}

    /**
     * Whether it would fail again however often it is tried: the data or the statement is wrong (SQLSTATE classes 21, 22,
     * 23, 42 and 54), as opposed to a lost connection, a deadlock, a full disk or a server that restarts.
     */
    public static boolean isLasting(Throwable error) {
        if (!(error instanceof PgException refused) || refused.getSqlState() == null) {
            return false;
        }
        return switch (refused.getSqlState().substring(0, 2)) {
            case "21", "22", "23", "42", "54" -> true;
            default -> false;
        };
    }
}
