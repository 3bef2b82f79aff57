package dev.orrery.cli.command;

/** How a command answers: for people, or for programs. */
enum OutputForm {
    TEXT,
    JSON;

    /** As it is written on the command line. */
    @Override
    public String toString() {
        return this == JSON ? "json" : "text";
    }
}
