package dev.orrery.coordination;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.StartupException;
import io.etcd.jetcd.common.exception.EtcdException;
import io.grpc.Status;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Why a member of etcd did not do what it was asked; the message is one line for people. */
final class EtcdFailure extends OrreryException {

    private static final long serialVersionUID = 1L;
    private static final String ETCD = "etcdserver: ";
    private static final String CLOSED = "it closes the connection";

    /** What follows from it. */
    enum Kind {
        /** This member is not reached, or cannot decide now: another one may. */
        UNREACHED,
        /** The same, since the two sides do not agree on TLS. */
        ENCRYPTION,
        /** The login is missing, wrong, or forgotten by etcd. */
        LOGIN,
        /** The login is good, and has not this right. */
        FORBIDDEN,
        /** The lease does not exist. */
        NOT_FOUND,
        /** Asking again, or elsewhere, brings the same answer. */
        REFUSED
    }

    private final Kind kind;

    private EtcdFailure(Kind kind, String message, Throwable cause) {
        super(ErrorCode.UNAVAILABLE, message.lines().findFirst().orElse(""), cause);
        this.kind = kind;
    }

    /** {@code guess}: what a connection that is closed without a word may mean. */
    static EtcdFailure of(Throwable thrown, Duration limit, String guess) {
        if (thrown instanceof StartupException || thrown instanceof CoordinationException) {
            return new EtcdFailure(Kind.REFUSED, String.valueOf(thrown.getMessage()), thrown);
        }
        var silence = new EtcdFailure(Kind.UNREACHED, "no answer within " + limit.toMillis() + " ms", thrown);
        if (has(thrown, TimeoutException.class)) {
            return silence;
        }
        if (thrown.getCause() instanceof EtcdException known) {
            // The library's own words: for a lease that is gone, and for a connection that was closed meanwhile.
            var kind = known.getErrorCode() == io.etcd.jetcd.common.exception.ErrorCode.NOT_FOUND
                    ? Kind.NOT_FOUND
                    : Kind.UNREACHED;
            return new EtcdFailure(kind, String.valueOf(known.getMessage()), thrown);
        }
        var status = Status.fromThrowable(thrown);
        var loginFailure = status.getCode() == Status.Code.UNAUTHENTICATED ? status.getCause() : null;
        if (loginFailure != null) {
            var login = of(loginFailure, limit, guess);
            return login.kind == Kind.REFUSED ? new EtcdFailure(Kind.LOGIN, login.reason(), thrown) : login;
        }
        var text = text(status, thrown);
        return switch (status.getCode()) {
            case DEADLINE_EXCEEDED -> silence;
            case UNAUTHENTICATED -> new EtcdFailure(Kind.LOGIN, text, thrown);
            case PERMISSION_DENIED -> new EtcdFailure(Kind.FORBIDDEN, text, thrown);
            case NOT_FOUND -> new EtcdFailure(Kind.NOT_FOUND, text, thrown);
            case UNAVAILABLE, CANCELLED, ABORTED, INTERNAL, UNKNOWN, UNIMPLEMENTED ->
                isAboutLogin(text)
                        ? new EtcdFailure(Kind.LOGIN, text, thrown)
                        : new EtcdFailure(
                                isAboutTls(thrown, text) ? Kind.ENCRYPTION : Kind.UNREACHED,
                                words(text, guess),
                                thrown);
            default -> new EtcdFailure(isAboutLogin(text) ? Kind.LOGIN : Kind.REFUSED, text, thrown);
        };
    }

    /** etcd's own words; of a connection that failed, the first cause of it. */
    private static String text(Status status, Throwable thrown) {
        var text = status.getDescription();
        if (text != null && text.startsWith(ETCD)) {
            return text.substring(ETCD.length());
        }
        var isClosed = has(thrown, ClosedChannelException.class)
                || firstCause(thrown).startsWith("Connection reset")
                || firstCause(thrown).equals("Broken pipe");
        if (isClosed || (text != null && text.startsWith("Network closed"))) {
            return CLOSED;
        }
        return text == null || thrown.getCause() == null || status.getCause() != null ? firstCause(thrown) : text;
    }

    private static boolean isAboutLogin(String text) {
        return text.equals("invalid auth token")
                || text.equals("revision of auth store is old")
                || text.equals("user name is empty")
                || text.equals("authentication is not enabled")
                || text.startsWith("authentication failed");
    }

    private static boolean isAboutTls(Throwable thrown, String text) {
        return has(thrown, SSLException.class) && !text.equals(CLOSED);
    }

    private static String words(String text, String guess) {
        if (text.equals(CLOSED)) {
            return text + guess;
        }
        if (text.contains("valid certification path")) {
            return "no authority in etcd.ca-file has signed its certificate";
        }
        if (text.contains("subject alternative")) {
            return "its certificate is for another name (" + text + ")";
        }
        if (text.contains("fatal alert")) {
            return "it does not accept etcd.cert-file (" + text + ")";
        }
        if (text.equals("UnresolvedAddressException")) {
            return "its name is not known";
        }
        if (text.startsWith("HTTP status code")
                || text.equals("http2 exception")
                || text.startsWith("First received frame")) {
            return "this is no etcd (" + text.lines().findFirst().orElse("") + ")";
        }
        return text;
    }

    /** What is at the bottom of it, on one line. */
    static String firstCause(Throwable thrown) {
        var at = thrown;
        for (var depth = 0; at.getCause() != null && depth < 20; depth++) {
            at = at.getCause();
        }
        var text = at.getMessage();
        return (text == null ? at.getClass().getSimpleName() : text)
                .lines()
                .findFirst()
                .orElse("");
    }

    private static boolean has(@Nullable Throwable thrown, Class<? extends Throwable> type) {
        var at = thrown;
        for (var depth = 0; at != null && depth < 20; depth++) {
            if (type.isInstance(at)) {
                return true;
            }
            at = at.getCause();
        }
        return false;
    }

    Kind kind() {
        return kind;
    }

    /** Whether the member was reached and has decided. */
    boolean isAnswer() {
        return kind != Kind.UNREACHED && kind != Kind.ENCRYPTION;
    }

    String reason() {
        return String.valueOf(getMessage());
    }
}
