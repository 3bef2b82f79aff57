package dev.orrery.node;

/** Where a node tells what it does while it starts and stops. Called by one thread at a time. */
public interface Console {

    /** Something begins that may take a while, such as {@code starting PostgreSQL}; {@link #done} or a failure follows. */
    void begin(String phase);

    /** What began last is done. */
    void done();

    /** Whether the node is no longer wanted: a start ends as soon as it can then, and closes what it has opened. */
    default boolean isOver() {
        return false;
    }

    /** For whoever does not want to hear. */
    Console SILENT = new Console() {
        @Override
        public void begin(String phase) {}

        @Override
        public void done() {}

        @Override
        public void say(String line) {}
    };

    /** A line of its own, such as what the system lacks. */
    void say(String line);
}
