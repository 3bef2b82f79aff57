package dev.orrery.cli.command;

import dev.orrery.cli.CommandRun;
import dev.orrery.cli.StubNode;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Commands against a stub of a node that knows one DAG and one run of it, which failed. */
abstract class ServerCommandsTestBase {

    static final String DAG_ID = "01980f6e-3c00-7000-8b2d-5f3100000000";
    static final String RUN_ID = "01980f6e-5a10-7000-8b2d-5f3100000000";
    static final String OTHER_RUN_ID = "01980f6e-5a11-7000-8b2d-5f3100000000";

    static final String DAG = """
            {"id":"01980f6e-3c00-7000-8b2d-5f3100000000","name":"nightly","taskCount":2,"schedule":null,"timezone":"UTC",
             "active":true,"version":3,"createdAt":"2026-01-31T00:00:00Z","updatedAt":"2026-01-31T02:00:05Z","nextRun":null}""";

    static final String FAILED_RUN = """
            {"runId":"01980f6e-5a10-7000-8b2d-5f3100000000","dagId":"01980f6e-3c00-7000-8b2d-5f3100000000","dagName":"nightly",
             "dagVersion":3,"triggeredBy":"api","state":"failed","params":{"day":"x"},"startedAt":"2026-01-31T02:00:00Z",
             "completedAt":"2026-01-31T02:00:04Z","createdAt":"2026-01-31T02:00:00Z","tasks":[
             {"taskId":"late","state":"failed","attempt":1,"error":"too late","startedAt":"2026-01-31T02:00:00Z","completedAt":"2026-01-31T02:00:03Z"},
             {"taskId":"extract","state":"failed","attempt":3,"error":"exit code 1","startedAt":"2026-01-31T02:00:00Z","completedAt":"2026-01-31T02:00:02Z"},
             {"taskId":"load","state":"skipped","attempt":0,"error":null,"startedAt":null,"completedAt":"2026-01-31T02:00:02Z"}]}""";

    @TempDir
    Path folder;

    final StubNode node = new StubNode();
    final CommandRun command = new CommandRun().against(node);

    @BeforeEach
    void aNodeWithADag() {
        command.in(folder);
        node.on("GET /api/v1/dags?name=nightly", 200, "[" + DAG + "]");
        node.on("GET /api/v1/dags?limit=500", 200, "[" + DAG + "]");
        node.on("GET /api/v1/dags/" + DAG_ID, 200, DAG);
        node.on("GET /api/v1/runs/" + RUN_ID, 200, FAILED_RUN);
    }

    @AfterEach
    void close() {
        node.close();
    }
}
