package dev.orrery.cli.client;

/** What the program's exit codes mean to scripts; each is part of its contract. */
public enum ExitCode {
    OK(0),
    /** The run failed or was cancelled; or what was asked could not be done for a reason without a code of its own. */
    FAILED(1),
    USAGE(2),
    NOT_FOUND(3),
    INVALID(4),
    REFUSED(5),
    UNREACHABLE(6),
    /** 128 + SIGINT. */
    INTERRUPTED(130);

    private final int code;

    ExitCode(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }
}
