package dev.orrery.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.HandlerJarFile;
import dev.orrery.testing.NodeProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real jar with a handler that ends its process. */
class HandlerExitE2E {

    private static final Pattern TOLD = Pattern.compile(
            "level=ERROR .*event=\"a call of System.exit ends the process\" status=3 by=\\S*Leaving\\.\\S+ thread=handler leave"
                    + "\\R\\s+java\\.lang\\.Throwable: .*\\R(\\s+at .*\\R)*\\s+at .*Leaving\\.");

    @TempDir
    Path folder;

    @Test
    void theLogTellsWhoEndedTheNode() throws IOException {
        var handlers = Files.createDirectory(folder.resolve("handlers"));
        HandlerJarFile.registering("Leaving", "registerBlocking(\"leave\", call -> { System.exit(3); return null; });")
                .writeTo(handlers.resolve("leaving.jar"));

        try (var node = NodeProcess.start(folder.resolve("data"), "--handlers", handlers.toString())) {
            node.post("/api/v1/tasks", "{\"type\": \"handler\", \"handler\": \"leave\"}");

            assertThat(node.awaitEnd()).isEqualTo(3);
            assertThat(node.output()).containsPattern(TOLD);
        }
    }
}
