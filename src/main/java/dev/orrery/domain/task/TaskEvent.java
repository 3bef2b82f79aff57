package dev.orrery.domain.task;

/** What can happen to a task instance. */
public enum TaskEvent {
    /** Dependencies were found unmet. */
    BLOCK,
    /** Every dependency succeeded, or there was none. */
    RELEASE,
    /** A node took it. */
    CLAIM,
    /** Its executor began. */
    START,
    SUCCEED,
    /** The attempt failed and no other follows. */
    FAIL,
    /** The attempt ran out of time and no other follows. */
    TIME_OUT,
    /** The attempt failed or ran out of time, and another one follows after a wait. */
    RETRY,
    /** The wait before a retry is over. */
    WAKE,
    /** A node gave back what it had claimed. */
    HAND_BACK,
    /** The node that held it died. */
    LOSE,
    /** A dependency will never succeed. */
    SKIP,
    CANCEL,
    /** An operator asked for it again. */
    REOPEN
}
