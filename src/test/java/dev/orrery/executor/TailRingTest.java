package dev.orrery.executor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Seeded;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class TailRingTest {

    @Test
    void keepsTheLastBytesHoweverTheyCome() {
        Seeded.forAll(random -> {
            var capacity = random.nextInt(1, 70_000);
            var ring = new TailRing(capacity);
            var all = new ByteArrayOutputStream();

            for (var write = random.nextInt(20); write > 0; write--) {
                var block = new byte[random.nextInt(30_000)];
                random.nextBytes(block);
                var from = random.nextInt(block.length + 1);
                ring.write(block, from, block.length);
                all.write(block, from, block.length - from);
            }

            var written = all.toByteArray();
            assertThat(ring.bytes())
                    .isEqualTo(Arrays.copyOfRange(written, Math.max(0, written.length - capacity), written.length));
            assertThat(ring.lost()).isEqualTo(Math.max(0, written.length - capacity));
        });
    }
}
