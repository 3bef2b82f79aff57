package dev.orrery.fault;

/** What must hold, whatever is done to a cluster. */
public enum Rule {
    ACCEPTED_IS_KEPT("A run that a client was told of is there"),
    ONE_RUN_FOR_A_KEY("The same key is always answered with the same run, and no run is there that nobody asked for"),
    TOLD_IS_TRUE("A final state that a client was shown stands"),
    ALL_ENDS("Every accepted run ends, in bounded time after the last fault is over"),
    RUN_AS_ITS_TASKS("A run ends as its tasks have ended"),
    LEGAL_CHANGE("A task's state changes only to one that may follow, from the one it was in"),
    ONE_RESULT("A task has one accepted result, and nothing comes after it"),
    FENCES_GROW("Each claim of a task has a greater fence than all before it"),
    ONE_CLAIM("No two claims of a task are valid at one time"),
    ATTEMPTS_COUNT("An attempt's number grows by one where the one before had begun, or may have with a lost node"),
    PREREQUISITES_FIRST(
            "A task is released in the transaction that ends its last prerequisite, and runs after all of them"),
    JUSTIFIED("Every final state has its reason in the history, and final failures are dead letters"),
    EFFECT_HAS_CLAIM("Work is done only under a claim, by the node that holds it, and once for each"),
    RESULT_HAS_EFFECT("What was accepted as done, was done"),
    NO_OVERLAP("No older attempt goes on while a newer one runs, but where a frozen node's child may"),
    ONE_HOLDER("A named lock is held by one attempt at a time, under a number that grows"),
    EPOCHS_GROW("Epochs of leaders only grow, and each has one leader"),
    NOTHING_LEFT("No process, connection, folder or claim is left over");

    private final String sentence;

    Rule(String sentence) {
        this.sentence = sentence;
    }

    public String sentence() {
        return sentence;
    }
}
