package dev.orrery.engine;

import dev.orrery.testing.Proxy;
import java.io.IOException;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;

/** The engine reaches its database through a network that fails as it is told to; what the test itself asks does not. */
abstract class BrokenNetworkTestBase extends EngineTestBase {

    Proxy network;

    @Override
    TestEngine newEngine() throws SQLException, IOException {
        network = new Proxy(database.host(), database.port());
        return newEngine(network.port());
    }

    /** {@code port}: where the network listens on this host. */
    TestEngine newEngine(int port) throws SQLException {
        return new TestEngine(database, port);
    }

    @AfterEach
    @Override
    void close() throws SQLException, IOException {
        network.pass();
        try {
            super.close();
        } finally {
            network.close();
        }
    }
}
