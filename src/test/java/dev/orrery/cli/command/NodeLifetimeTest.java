package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.cli.run.Interrupts;
import dev.orrery.cli.run.Interrupts.Ending;
import dev.orrery.domain.StartupException;
import dev.orrery.testing.Await;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class NodeLifetimeTest {

    private static final Duration AT_ONCE = Duration.ofMillis(50);

    private final Map<Ending, Runnable> signals = new EnumMap<>(Ending.class);
    private final List<Integer> halted = new CopyOnWriteArrayList<>();
    private final NodeLifetime lifetime = new NodeLifetime(
            new Interrupts() {
                @Override
                protected void on(Ending signal, Runnable action) {
                    signals.put(signal, action);
                }

                @Override
                public void halt(int exitCode) {
                    halted.add(exitCode);
                }
            },
            () -> {},
            AT_ONCE);

    @Test
    void aStartThatDoesNotLeaveOffWhenItIsToldToIsEndedWithTheProcess() {
        var hanging = new CountDownLatch(1);
        var start = Thread.ofVirtual()
                .start(() -> lifetime.start(() -> {
                    hanging.countDown();
                    throw new StartupException(forEver());
                }));
        Await.until("it starts", () -> hanging.getCount() == 0);

        signals.get(Ending.TERM).run();

        Await.until("the process ends", () -> halted.equals(List.of(143)));
        start.interrupt();
    }

    private static String forEver() {
        try {
            Thread.sleep(Duration.ofMinutes(1));
            return "it went on";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }

    @Test
    void aStartThatLeavesOffInTimeIsNot() throws Exception {
        assertThatThrownBy(() -> lifetime.start(() -> {
                    signals.get(Ending.TERM).run();
                    throw new StartupException("told to stop");
                }))
                .isInstanceOf(StartupException.class);

        Thread.sleep(AT_ONCE.multipliedBy(4)); // nothing is to happen
        assertThat(halted).isEmpty();
        assertThat(lifetime.isOver()).isTrue();
    }
}
