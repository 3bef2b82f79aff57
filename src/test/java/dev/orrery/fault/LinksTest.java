package dev.orrery.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.testing.Await;
import dev.orrery.testing.Proxy;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The links on which the suite does its harm, between this JVM and a server that says what it was told. */
class LinksTest {

    private static final String HOST = "127.0.0.77";
    private static final String SHOWN_HOST = "127.0.1.77";
    private static final String ME = "me";

    private ServerSocket server;
    private Proxy proxy;

    @BeforeEach
    void open() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getByName(HOST));
        Thread.startVirtualThread(this::serve);
        proxy = new Proxy(HOST, server.getLocalPort());
    }

    @AfterEach
    void close() throws IOException {
        proxy.close();
        server.close();
    }

    private void serve() {
        while (!server.isClosed()) {
            try {
                var client = server.accept();
                Thread.startVirtualThread(() -> echo(client));
            } catch (IOException _) {
                // The end.
            }
        }
    }

    private static void echo(Socket client) {
        try (client) {
            client.getInputStream().transferTo(client.getOutputStream());
        } catch (IOException _) {
            // A cut line.
        }
    }

    private Socket connect() throws IOException {
        var socket = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
        socket.setSoTimeout(200);
        return socket;
    }

    private static int ask(Socket socket) throws IOException {
        socket.getOutputStream().write(7);
        return socket.getInputStream().read();
    }

    @Test
    void whatABlackHoleTookFlowsOnWhenItIsOver() throws IOException {
        try (var socket = connect()) {
            assertThat(ask(socket)).isEqualTo(7);

            proxy.blackHole();
            assertThatThrownBy(() -> ask(socket)).isInstanceOf(SocketTimeoutException.class);

            proxy.pass();
            socket.setSoTimeout(5_000);
            assertThat(socket.getInputStream().read()).isEqualTo(7);
        }
    }

    @Test
    void aDelayIsPaidInBothDirections() throws IOException {
        try (var socket = connect()) {
            socket.setSoTimeout(5_000);
            proxy.delay(Duration.ofMillis(40));

            var began = System.nanoTime();
            assertThat(ask(socket)).isEqualTo(7);

            assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThan(Duration.ofMillis(80));
        }
    }

    @Test
    void aResetIsToldAsOneAndNewConnectionsAreRefusedUntilItIsOver() throws IOException {
        try (var socket = connect()) {
            assertThat(ask(socket)).isEqualTo(7);
            socket.setSoTimeout(5_000);

            proxy.reset();

            assertThatThrownBy(() -> socket.getInputStream().read())
                    .isInstanceOf(SocketException.class)
                    .hasMessageContaining("reset");
        }
        try (var refused = connect()) {
            assertThat(refused.getInputStream().read()).isEqualTo(-1);
        }
        proxy.pass();
        try (var socket = connect()) {
            assertThat(ask(socket)).isEqualTo(7);
        }
    }

    @Test
    void anAnswerThatIsCutLeavesOthersWhole() throws IOException {
        try (var first = connect()) {
            assertThat(ask(first)).isEqualTo(7);

            proxy.cutNextAnswers();

            try (var second = connect()) {
                assertThat(ask(second)).isEqualTo(7);
            }
            assertThat(ask(first)).isEqualTo(-1);
        }
    }

    @Test
    void aPeerIsKnownByItsProcessAndItsLineBreaksAlone() throws IOException {
        var names = Map.of(ProcessHandle.current().pid(), ME);
        try (var crossing = new Crossing(SHOWN_HOST, HOST, server.getLocalPort(), () -> names);
                var socket = new Socket(SHOWN_HOST, server.getLocalPort())) {
            socket.setSoTimeout(5_000);
            assertThat(ask(socket)).isEqualTo(7);

            crossing.from("another").cut();
            assertThat(ask(socket)).isEqualTo(7);

            crossing.from(ME).cut();
            Await.until("the line is cut", () -> isCut(socket));
        }
    }

    private static boolean isCut(Socket socket) {
        try {
            return ask(socket) < 0;
        } catch (IOException _) {
            return true;
        }
    }
}
