package dev.orrery.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.Health;
import dev.orrery.config.HealthConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** On a real file system, which is filled and emptied; one in memory where there is one, as nobody else writes there. */
class DiskWatchTest {

    private static final long MIB = 1L << 20;
    private static final Path MEMORY = Path.of("/dev/shm");

    private Path folder;

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.isWritable(MEMORY)
                ? Files.createTempDirectory(MEMORY, "orrery-disk")
                : Files.createTempDirectory("orrery-disk");
    }

    @AfterEach
    void removeFolder() throws IOException {
        Files.deleteIfExists(folder.resolve("filling"));
        Files.deleteIfExists(folder);
    }

    @Test
    void aDiskThatFillsIsLowThenFullAndHasRoomAgainWhenItIsEmptied() throws IOException {
        var free = Files.getFileStore(folder).getUsableSpace();
        var watch = new DiskWatch(
                Map.of("node.data-dir", folder.resolve("still/to/be/made")),
                new HealthConfig(free - 16 * MIB, free - 48 * MIB, Duration.ofSeconds(30), Duration.ofMinutes(1)));

        watch.look();
        assertThat(watch.health().status()).isEqualTo(Health.Status.UP);
        assertThat(watch.hasRoom()).isTrue();

        fill(32);
        watch.look();
        assertThat(watch.health().status()).isEqualTo(Health.Status.DEGRADED);
        assertThat(watch.health().reason().orElseThrow()).contains("node.data-dir", "health.disk-low", "make room");
        assertThat(watch.hasRoom()).isTrue();

        fill(64);
        watch.look();
        assertThat(watch.health().status()).isEqualTo(Health.Status.DOWN);
        assertThat(watch.refusal().orElseThrow()).contains("health.disk-full");
        assertThat(watch.hasRoom()).isFalse();

        Files.delete(folder.resolve("filling"));
        watch.look();
        assertThat(watch.health().status()).isEqualTo(Health.Status.UP);
        assertThat(watch.refusal()).isEmpty();
    }

    private void fill(int mib) throws IOException {
        Files.write(folder.resolve("filling"), new byte[mib << 20]);
    }
}
