package dev.orrery.store;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import io.vertx.core.VertxException;
import io.vertx.core.http.ConnectionPoolTooBusyException;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.ClosedConnectionException;
import io.vertx.sqlclient.TransactionRollbackException;
import java.io.IOException;
import java.util.concurrent.TimeoutException;

/** What a failed statement means for whoever sent it. */
public final class StoreFailures {

    /** See require_tenant in R__tenants.sql. */
    private static final String TENANT_DELETED = "OR002";

    private static final String DISK_FULL = "53100";

    private StoreFailures() {}

    /**
     * Whether it would fail again however often it is tried: the data or the statement is wrong (SQLSTATE classes 21, 22,
     * 23, 42 and 54), as opposed to a lost connection, a deadlock, a full disk or a server that restarts.
     */
    public static boolean isLasting(Throwable error) {
        return switch (sqlClass(error)) {
            case "21", "22", "23", "42", "54" -> true;
            default -> false;
        };
    }

    /** Whether it met another transaction (a serialization failure, a deadlock, a lock not had in time): try it again. */
    public static boolean isConflict(Throwable error) {
        return switch (sqlState(error)) {
            case "40001", "40P01", "55P03" -> true;
            default -> false;
        };
    }

    /**
     * What callers are told: {@code STORAGE_FULL} where the database has no room on its disk, {@code UNAVAILABLE} where it cannot
     * be reached or did not answer in time, {@code TENANT_NOT_FOUND} where it lets nothing come to be for a deleted tenant. All other failures are faults of our own and stay what they are.
     */
    public static Throwable told(Throwable error) {
        if (sqlState(error).equals(TENANT_DELETED)) {
            return new OrreryException(ErrorCode.TENANT_NOT_FOUND, "the tenant was deleted", error);
        }
        if (sqlState(error).equals(DISK_FULL)) {
            return new OrreryException(
                    ErrorCode.STORAGE_FULL,
                    "the disk of the database is full: make room there, and it takes work again by itself",
                    error);
        }
        return isUnavailable(error)
                ? new OrreryException(
                        ErrorCode.UNAVAILABLE, "the database cannot be reached, or did not answer in time", error)
                : error;
    }

    private static boolean isUnavailable(Throwable error) {
        if (error instanceof PgException) {
            // 08 connection, 25006 read only, 40 and 55 conflicts, 53 no room, 57 shutdown or statement timeout, 58
            // disk
            return switch (sqlClass(error)) {
                case "08", "25", "40", "53", "55", "57", "58" -> true;
                default -> false;
            };
        }
        if (error.getClass() == VertxException.class) {
            // The client's word for a line that broke before the statement was sent, and for none free in time. It says
            // the same of parameters that do not fit, which is a fault of ours.
            var message = String.valueOf(error.getMessage());
            return !message.startsWith("Parameter ") && !message.startsWith("The number of parameters");
        }
        if (error.getClass().getSimpleName().equals("NoStackTraceThrowable")) {
            // The client's word where a transaction waited for a connection, and none was free in time.
            return "Timeout".equals(error.getMessage());
        }
        return error instanceof IOException
                || error instanceof TimeoutException
                || error instanceof ClosedConnectionException
                || error instanceof ConnectionPoolTooBusyException
                || error instanceof TransactionRollbackException;
    }

    private static String sqlClass(Throwable error) {
        var state = sqlState(error);
        return state.length() < 2 ? "" : state.substring(0, 2);
    }

    private static String sqlState(Throwable error) {
        return error instanceof PgException refused && refused.getSqlState() != null ? refused.getSqlState() : "";
    }
}
