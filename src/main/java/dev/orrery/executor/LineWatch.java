package dev.orrery.executor;

/** Sees each line of a stream as it passes, before it is cleaned and cut for the log. */
interface LineWatch {

    /** @param more how many bytes at the line's end are not there, since it was longer than {@link #longestLine()} */
    void line(byte[] raw, int from, int to, long more);

    /** How many bytes of a line it wants to see at least. */
    int longestLine();
}
