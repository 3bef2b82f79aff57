package dev.orrery.cli.command;

import dev.orrery.cli.StubNode;
import dev.orrery.cli.command.NodeStarter.RunningNode;
import java.net.URI;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;

/** A node that only listens, as the stub does. */
final class FakeNode implements RunningNode {

    final CompletableFuture<Integer> ended = new CompletableFuture<>();
    final AtomicInteger stops = new AtomicInteger();
    private final StubNode api;

    FakeNode(StubNode api) {
        this.api = api;
    }

    @Override
    public URI address() {
        return URI.create(api.address());
    }

    @Override
    public CompletionStage<Integer> ended() {
        return ended;
    }

    @Override
    public void stop() {
        stops.incrementAndGet();
    }
}
