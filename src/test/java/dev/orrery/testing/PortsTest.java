package dev.orrery.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.HashSet;
import org.junit.jupiter.api.Test;

class PortsTest {

    @Test
    void aHundredPortsAreAHundredDifferentOnesBelowThoseTheSystemPicks() {
        var ports = new HashSet<Integer>();
        for (var n = 0; n < 100; n++) {
            ports.add(Ports.free());
        }
        assertThat(ports).hasSize(100).allMatch(port -> port < 32_768);
    }

    @Test
    void aPortSomebodyListensOnIsNotGivenAgain() throws IOException {
        var taken = Ports.free();
        try (var _ = new ServerSocket(taken, 1, InetAddress.getLoopbackAddress())) {
            for (var n = 0; n < 400; n++) {
                assertThat(Ports.free()).isNotEqualTo(taken);
            }
        }
    }
}
