package dev.orrery.domain.dag;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import dev.orrery.domain.TenantId;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a task does, and with which executor. */
public sealed interface TaskType {

    /** The name in DAG files, in the API and in the database. */
    String wireName();

    /** A command line for {@code /bin/sh -c}. */
    record Shell(String command, Map<String, String> env, Optional<String> workingDirectory) implements TaskType {

        public Shell {
            requireNonNull(command, "command");
            env = ordered(env);
            requireNonNull(workingDirectory, "workingDirectory");
        }

        @Override
        public String wireName() {
            return "shell";
        }
    }

    /** A request; {@code body} that is a JSON string is sent as its text, anything else as JSON. */
    record Http(String method, String url, Map<String, String> headers, Optional<Json> body) implements TaskType {

        public Http {
            requireNonNull(method, "method");
            requireNonNull(url, "url");
            headers = ordered(headers);
            requireNonNull(body, "body");
        }

        @Override
        public String wireName() {
            return "http";
        }
    }

    /** A Python program; {@code virtualEnv} is the folder whose {@code bin/python} runs it. */
    record Python(
            PythonSource source,
            List<String> args,
            Map<String, String> env,
            Optional<String> virtualEnv,
            Optional<String> workingDirectory)
            implements TaskType {

        public Python {
            requireNonNull(source, "source");
            args = List.copyOf(args);
            env = ordered(env);
            requireNonNull(virtualEnv, "virtualEnv");
            requireNonNull(workingDirectory, "workingDirectory");
        }

        @Override
        public String wireName() {
            return "python";
        }
    }

    /** Code registered on the event bus under this name. */
    record Handler(String handler, Json input) implements TaskType {

        public Handler {
            requireNonNull(handler, "handler");
            requireNonNull(input, "input");
        }

        @Override
        public String wireName() {
            return "handler";
        }
    }

    /** The same, given the params of its run: what the jobs of a function fire. DAG files have no such task. */
    record FunctionCall(String handler) implements TaskType {

        public FunctionCall {
            requireNonNull(handler, "handler");
        }

        @Override
        public String wireName() {
            return "handler";
        }
    }

    /** Work for whichever remote worker offers this handler. */
    record Agent(String handler, Json input) implements RemoteWork {

        public Agent {
            requireNonNull(handler, "handler");
            requireNonNull(input, "input");
        }
    }

    /** The same, given the params of its run: what the jobs of remote workers fire. DAG files have no such task. */
    record AgentCall(String handler) implements RemoteWork {

        public AgentCall {
            requireNonNull(handler, "handler");
        }
    }

    /** What no node does: it waits until a remote worker that offers the handler asks for it. */
    sealed interface RemoteWork extends TaskType {

        String WIRE_NAME = "agent";

        String handler();

        @Override
        default String wireName() {
            return WIRE_NAME;
        }

        /** The line in which it waits; no queue that a DAG file can name is called so. */
        static String queue(TenantId tenant, String handler) {
            return WIRE_NAME + "/" + tenant.value() + "/" + handler;
        }
    }

    /** What stands in the store and is no task that this release can read: it fails at once, and tells why. */
    record Unreadable(String why) implements TaskType {

        public Unreadable {
            requireNonNull(why, "why");
        }

        @Override
        public String wireName() {
            return "unreadable";
        }
    }

    /** Where a Python program comes from. */
    sealed interface PythonSource {

        /** A file on the node, relative to {@code tasks.directory}. */
        record Script(String path) implements PythonSource {}

        /** The program itself. */
        record Code(String text) implements PythonSource {}
    }

    private static Map<String, String> ordered(Map<String, String> map) {
        return Collections.unmodifiableMap(new LinkedHashMap<>(map));
    }
}
