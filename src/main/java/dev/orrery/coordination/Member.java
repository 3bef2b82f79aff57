package dev.orrery.coordination;

import dev.orrery.domain.NodeId;
import java.util.List;

/**
 * What nodes tell each other of themselves, which does not change while they run.
 *
 * @param busHost where their event bus is reached
 * @param memberPort where the membership protocol of the event bus is reached, on the same host
 * @param capabilities the types of tasks the node runs
 */
public record Member(
        NodeId node,
        String name,
        String version,
        String httpAddress,
        String busHost,
        int busPort,
        int memberPort,
        List<String> capabilities) {

    public Member {
        capabilities = List.copyOf(capabilities);
    }
}
