package dev.orrery.dagfile;

import static dev.orrery.domain.Checks.require;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import dev.orrery.dagfile.YamlNode.Place;
import dev.orrery.dagfile.YamlNode.Scalar;
import dev.orrery.domain.dag.TaskDefinition;

/** The file to begin with: a small DAG that runs as it is, with every field explained where it is used. */
public final class DagTemplate {

    private static final String TEXT = """
            # yaml-language-server: $schema=http://127.0.0.1:8080/docs/dag.schema.json
            #
            # orrery dag validate FILE   names everything that is wrong, with line and column
            # orrery try FILE            runs it once on a throw-away node and prints the outputs
            # orrery dag apply FILE      publishes it; 'orrery dag trigger NAME --follow' then runs it

            name: %s
            description: Greets, counts the letters and says how many there were

            # When it is to run: minute, hour, day of month, month, day of week; or @hourly, @daily, @weekly.
            # schedule: "0 2 * * *"
            # timezone: Europe/Berlin

            tasks:
              - id: greet                # letters, digits, _ . -
                type: shell              # shell, python, http, handler or agent
                # Run by /bin/sh in a folder of its own. A line that begins with '::output ' and holds JSON
                # becomes the task's output, which the tasks that wait for it can read.
                command: |
                  echo "greeting $WHO"
                  echo "::output {\\"text\\": \\"Hello, $WHO\\"}"
                env:
                  WHO: world             # values are texts, taken as they are written
                timeout: 1m              # of one attempt: 10ms, 30s, 5m, 1h30m, 2d; 30m if left out
                retry:                   # what is left out has these values
                  maxAttempts: 3         # the first one counts
                  initialDelay: 1s
                  maxDelay: 5m
                  backoffMultiplier: 2.0
                  jitter: 0.1

              - id: count
                type: python
                dependencies: [greet]    # starts when all of these have succeeded
                code: |                  # or 'script: path/to/program.py', a file on the node
                  import json, os
                  with open(os.environ["ORRERY_INPUTS"]) as inputs:
                      text = json.load(inputs)["greet"]["text"]
                  print("::output " + json.dumps({"letters": sum(c.isalpha() for c in text)}))

              - id: tell
                type: handler            # code inside the node: noop, echo, sleep {ms}, log {message, level}
                handler: log
                input: { message: The letters are counted, level: info }
                dependencies: [count]
                priority: 5              # 0 (patient) to 10
                queue: default           # the line in which it waits for a worker

              # - id: fetch
              #   type: http             # a 2xx answer is success; status, headers and body are the output
              #   method: GET
              #   url: ${ORRERY_API}/runs/${ORRERY_RUN_ID}
              #   headers: { Accept: application/json }
            """;

    private DagTemplate() {}

    /** The text of the file; throws IllegalArgumentException where no DAG can be called so. */
    public static String text(String name) {
        require(TaskDefinition.isName(name), "a name has 1 to 255 characters and no control characters");
        return TEXT.replace("%s", yaml(name));
    }

    private static String yaml(String name) {
        var isSimple = name.matches("[A-Za-z0-9_][A-Za-z0-9_-]*");
        var isText = CoreSchema.kindOf(new Scalar(new Place(1, 1), name, true)) == CoreSchema.Kind.TEXT;
        if (isSimple && isText) {
            return name;
        }
        return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(name)) + '"';
    }
}
