package dev.orrery.bus;

import dev.orrery.bus.PeerAddresses.PeerAddress;
import dev.orrery.config.BusConfig;
import dev.orrery.testing.Await;
import dev.orrery.testing.Java;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** A {@link Peer} in a process of its own, which can be frozen and killed. Told a line, it tells its peers; it prints what it hears. */
final class PeerProcess implements AutoCloseable {

    private final Process process;
    private final PrintStream in;
    private final Set<String> lines = ConcurrentHashMap.newKeySet();

    private PeerProcess(Process process) {
        this.process = process;
        in = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        Thread.startVirtualThread(this::read);
    }

    /** Starts one that knows these and itself, and waits until it has joined. */
    static PeerProcess start(List<PeerAddress> known) {
        var config = Peer.plain();
        known.add(Peer.address(config));
        var command = Java.command(
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                PeerProcess.class.getName(),
                Integer.toString(config.port()),
                Integer.toString(config.memberPort()));
        known.forEach(peer -> command.add(Integer.toString(peer.memberPort())));
        try {
            var peer = new PeerProcess(new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
            Await.until("the process has joined", () -> peer.lines.contains("joined"));
            return peer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read() {
        try (var reader = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            reader.lines().forEach(lines::add);
        } catch (IOException | UncheckedIOException _) {
            // It has ended.
        }
    }

    void tell(String queue) {
        in.println(queue);
    }

    boolean heard(String queue) {
        return lines.contains("heard " + queue);
    }

    void freeze() {
        signal("STOP");
    }

    void thaw() {
        signal("CONT");
    }

    void kill() {
        process.destroyForcibly();
    }

    private void signal(String name) {
        try {
            var kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
            if (!kill.waitFor(10, TimeUnit.SECONDS) || kill.exitValue() != 0) {
                throw new AssertionError("kill -" + name + " did not work");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    /** The process: its two ports, then the member ports of all. */
    public static void main(String[] ports) throws IOException {
        var known = new ArrayList<PeerAddress>();
        for (var port : List.of(ports).subList(2, ports.length)) {
            known.add(new PeerAddress("127.0.0.1", Integer.parseInt(port)));
        }
        var config = new BusConfig(
                "127.0.0.1", Integer.parseInt(ports[0]), Integer.parseInt(ports[1]), "127.0.0.1", "", "", "");
        try (var peer = Peer.open(config, known)) {
            peer.bus()
                    .listen(
                            Addresses.WORK_READY,
                            ready -> ready.queues().forEach(queue -> System.out.println("heard " + queue)));
            System.out.println("joined");
            var reader = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (var line = reader.readLine(); line != null; line = reader.readLine()) {
                peer.tell(line);
            }
        }
    }
}
