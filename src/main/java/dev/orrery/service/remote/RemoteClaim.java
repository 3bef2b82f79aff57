package dev.orrery.service.remote;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.store.WorkRepository.Held;
import java.util.regex.Pattern;

/** A task under the fence of its claim; as a text it is both, parted by a dot. */
public record RemoteClaim(TaskInstanceId task, long fence) {

    /** What a text must look like; a longer number is no fence. */
    private static final Pattern FORM = Pattern.compile("(?<task>[0-9a-fA-F-]{36})\\.(?<fence>[0-9]{1,18})");

    /** Reads the text form; throws IllegalArgumentException for anything else. */
    public static RemoteClaim parse(String text) {
        var form = FORM.matcher(text);
        if (!form.matches()) {
            throw new IllegalArgumentException("not a claim: '" + text + "'");
        }
        return new RemoteClaim(TaskInstanceId.parse(form.group("task")), Long.parseLong(form.group("fence")));
    }

    static RemoteClaim of(Held held) {
        return new RemoteClaim(held.id(), held.fence());
    }

    Held held() {
        return new Held(task, fence);
    }

    @Override
    public String toString() {
        return task + "." + fence;
    }
}
