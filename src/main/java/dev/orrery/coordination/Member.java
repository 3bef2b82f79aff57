package dev.orrery.coordination;

import dev.orrery.domain.NodeId;
import java.util.List;

/**
 * What nodes tell each other of themselves, which does not change while they run.
 *
 * @param busHost where the event bus between nodes is reached
 * @param memberPort the port of its protocol of members, on the same host
 * @param capabilities the types of tasks the node runs
 */
public record Member(
        NodeId node,
        String name,
        String version,
        String httpAddress,
        String busHost,
        int memberPort,
        List<String> capabilities) {

    public Member {
        capabilities = List.copyOf(capabilities);
    }
}
