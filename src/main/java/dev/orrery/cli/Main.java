package dev.orrery.cli;

/** The entry of the program: the commands of the jar. */
public final class Main {
    private Main() {}

    /** Runs one command. */
    public static void main(String[] args) {
        System.out.println("orrery");
    }
}
