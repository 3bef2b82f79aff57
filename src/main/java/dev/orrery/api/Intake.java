package dev.orrery.api;

import java.util.Set;

/** What brings new work into the node: refused while there is no room to keep it. */
final class Intake {

    private static final Set<String> OPERATIONS = Set.of(
            "createDag",
            "updateDag",
            "triggerRun",
            "submitTask",
            "submitTasks",
            "retrySingleTask",
            "redriveDeadLetters",
            "redriveDeadLetter",
            "createJob",
            "updateJob",
            "triggerJob",
            "publishEvents",
            "replayEvent",
            "replayEvents",
            "createEventHandler",
            "retryExecution",
            "createWebhook",
            "receiveWebhook",
            "createTenant");

    private Intake() {}

    /** Whether an operation of the contract adds to what the node has to do or to keep. */
    static boolean isBy(String operationId) {
        return OPERATIONS.contains(operationId);
    }
}
