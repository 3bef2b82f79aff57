package dev.orrery.node;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Needed;
import dev.orrery.testing.NodeProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands of the README, as they stand there, against the real jar. */
class ReadmeE2E {

    private static final Pattern BLOCK = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("]\\((?!http)([^)#]+)\\)");

    /** Messages that come from the operating system. */
    private static final List<String> OF_THE_SYSTEM = List.of("Address already in use", "No space left on device");

    @TempDir
    static Path folder;

    private static NodeProcess node;
    private static String readme;

    @BeforeAll
    static void start() throws IOException {
        readme = Files.readString(Path.of("README.md"));
        node = NodeProcess.start(folder.resolve("data"));
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void theFirstMinutesByHandWork() throws Exception {
        var output = run(block("dag new greet"));

        assertThat(output).contains("created greet").contains("succeeded");
    }

    @Test
    void oneFileCanBeTriedWithoutANode() throws Exception {
        var line = block("orrery try").lines().findFirst().orElseThrow();

        assertThat(run(line)).contains("hello");
    }

    @Test
    void theTenLinesOfTheApiWork() throws Exception {
        var output = run(block("curl -s"));

        assertThat(output).contains("event: run").contains("\"taskId\":\"a\"").contains("hi");
    }

    @Test
    void theTenLinesOfTheGuideWork() throws Exception {
        Needed.program("jq", "jq");

        var output = run(block(Files.readString(Path.of("src/site/markdown/api.md")), "curl -sSN"));

        assertThat(output)
                .contains("\"name\":\"hi\"", "event: run", "\"taskId\":\"a\"", "\"day\":\"today\"", "\"attempts\":[{")
                .endsWith("hi\n");
    }

    @Test
    void theTwoCommandsAreThere() {
        for (var line : block("scripts/demo --once").lines().toList()) {
            var script = Path.of(line.split("\\s+", 2)[0]);
            assertThat(Files.isExecutable(script)).as(script.toString()).isTrue();
        }
    }

    @Test
    void theDagFileIsValid() throws Exception {
        var matcher = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL).matcher(readme);
        assertThat(matcher.find()).isTrue();
        var file = Files.writeString(folder.resolve("readme.yaml"), matcher.group(1));

        assertThat(run("scripts/orrery dag validate " + file)).contains("4 tasks");
    }

    @Test
    void everyLinkLeadsSomewhere() {
        var links = new ArrayList<String>();
        var matcher = LINK.matcher(readme);
        while (matcher.find()) {
            links.add(matcher.group(1));
        }

        assertThat(links)
                .isNotEmpty()
                .allSatisfy(link -> assertThat(Path.of(link)).exists());
    }

    @Test
    void everyPromiseNamesATestThatIsThere() throws Exception {
        var promise = Pattern.compile("\\[(\\w+)\\.(\\w+)]\\((src/test/[^)]+/(\\w+)\\.java)\\)");
        var found = promise.matcher(readme).results().toList();

        assertThat(found).hasSizeGreaterThan(10);
        for (var link : found) {
            assertThat(link.group(1)).isEqualTo(link.group(4));
            assertThat(Files.readString(Path.of(link.group(3))))
                    .containsPattern(" (void|Stream<DynamicTest>) " + link.group(2) + "\\(");
        }
    }

    @Test
    void theMessagesOfTheTroublesAreThoseOfTheProgram() throws Exception {
        var table =
                readme.substring(readme.indexOf("| what you see |"), readme.indexOf("Logs of the embedded database"));
        var messages = table.lines()
                .filter(line -> line.startsWith("| "))
                .map(line -> line.split("\\|")[1])
                .filter(first -> first.startsWith(" `"))
                .flatMap(first -> Pattern.compile("`([^`]+)`").matcher(first).results())
                .map(message -> message.group(1))
                .filter(message -> !OF_THE_SYSTEM.contains(message))
                .toList();
        var program = sources();

        assertThat(messages)
                .hasSizeGreaterThan(7)
                .allSatisfy(message -> assertThat(program).contains(message.replaceFirst("http://.*", "")));
    }

    private static String sources() throws IOException {
        var text = new StringBuilder();
        for (var folder : List.of(Path.of("src/main/java"), Path.of("scripts"))) {
            try (var files = Files.walk(folder)) {
                for (var file : files.filter(Files::isRegularFile).toList()) {
                    text.append(Files.readString(file));
                }
            }
        }
        return text.toString();
    }

    @Test
    void thePictureIsThereAndLoadsNothing() throws Exception {
        var image = Pattern.compile("<img src=\"([^\"]+)\"").matcher(readme);
        assertThat(image.find()).isTrue();

        assertThat(Files.readString(Path.of(image.group(1))))
                .startsWith("<svg")
                .contains("scripts/demo --once", "log-report", "succeeded")
                .doesNotContain("<script", "href", "url(");
    }

    @Test
    void theHelpOfTheJarIsThere() throws Exception {
        assertThat(readme).contains("java -jar target/orrery.jar --help");

        assertThat(run("orrery --help")).contains("Exit codes:", "dag", "run", "worker");
    }

    /** The first block of commands in which this stands. */
    private static String block(String text) {
        return block(readme, text);
    }

    private static String block(String page, String text) {
        var matcher = BLOCK.matcher(page);
        while (matcher.find()) {
            if (matcher.group(1).contains(text)) {
                return matcher.group(1);
            }
        }
        throw new AssertionError("there are no commands with '" + text + "'");
    }

    /** Runs commands in the folder of the project, with the jar at hand and this node instead of the usual one. */
    private static String run(String commands) throws IOException, InterruptedException {
        var orrery = "'" + String.join("' '", NodeProcess.commandLine()) + "'";
        var script = "orrery() { " + orrery + " \"$@\"; }\nset -e\ncd '"
                + folder + "'\n"
                + commands.replace("scripts/orrery", "orrery")
                        .replace(
                                "conf/examples",
                                Path.of("conf/examples").toAbsolutePath().toString())
                        .replace("http://127.0.0.1:8080", node.address().toString());
        var builder = new ProcessBuilder(List.of("bash", "-c", script)).redirectErrorStream(true);
        builder.environment().put("ORRERY_SERVER", node.address().toString());
        var process = builder.start();
        process.getOutputStream().close();
        var output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        return output;
    }
}
