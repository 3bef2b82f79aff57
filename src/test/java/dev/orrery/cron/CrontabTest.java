package dev.orrery.cron;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.assertj.core.api.Assertions.tuple;

import dev.orrery.cron.Crontab.Entry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("OrphanedFormatString") // Percent signs mean something else to cron and to shells.
class CrontabTest {

    @TempDir
    private Path folder;

    private static List<Entry> entries(String text) {
        var read = Crontab.read(text, false);
        assertThat(read.problems()).isEmpty();
        return read.entries();
    }

    private static List<String> problems(String text, boolean system) {
        return Crontab.read(text, system).problems().stream()
                .map(problem ->
                        problem.line() + ":" + problem.column() + " " + problem.code() + " " + problem.message())
                .toList();
    }

    private static Entry one(String text) {
        return entries(text).getFirst();
    }

    @Test
    void linesOfScheduleAndCommandAreReadAndAllElseIsPassedOver() {
        var read = entries("""
                # of the team

                30 6 * * mon-fri  /opt/report --day today # not a comment
                  \t*/5\t*  1-7 jan,jul 7\tbackup
                @daily clean up
                @midnight\ttidy""");

        assertThat(read)
                .extracting(Entry::line, Entry::schedule, Entry::command)
                .containsExactly(
                        tuple(3, "30 6 * * mon-fri", "/opt/report --day today # not a comment"),
                        tuple(4, "*/5 * 1-7 jan,jul 7", "backup"),
                        tuple(5, "@daily", "clean up"),
                        tuple(6, "@midnight", "tidy"));
        assertThat(read).allSatisfy(entry -> assertThat(entry.script()).isEqualTo(entry.command()));
    }

    @Test
    void variablesHoldForTheLinesBelowThem() {
        var read = entries("""
                @daily a
                PATH = /opt/bin:$PATH
                "LABEL"="  two words "
                NAME='x'\s\s
                EMPTY=
                @daily b
                NAME=y
                @daily c
                """);

        assertThat(read.get(0).variables()).isEmpty();
        assertThat(read.get(1).variables())
                .containsExactly(
                        entry("PATH", "/opt/bin:$PATH"),
                        entry("LABEL", "  two words "),
                        entry("NAME", "x"),
                        entry("EMPTY", ""));
        assertThat(read.get(2).variables()).containsEntry("NAME", "y");
    }

    @Test
    void whatOnlyCronObeysIsNoVariableOfTheCommand() {
        var read = entries("""
                MAILTO="ops@example.org"
                CRON_TZ=Asia/Tokyo
                @daily a
                CRON_TZ=
                @daily b
                """);

        assertThat(read).allSatisfy(entry -> {
            assertThat(entry.variables()).isEmpty();
            assertThat(entry.ofCron()).containsExactly("MAILTO=ops@example.org");
        });
        assertThat(read.get(0).timezone()).hasValue("Asia/Tokyo");
        assertThat(read.get(1).timezone()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "cat%hello                | cat        | hello~",
                "cat%one%two              | cat        | one~two~",
                "cat%one%                 | cat        | one~",
                "cat%%x                   | cat        | ~x~",
                "cat%                     | cat        |",
                "date +\\%H:\\%M          | date +%H:%M |",
                "date +\\%H%a\\%b%c       | date +%H   | a%b~c~",
                "echo a\\b \\\\\\%        | echo a\\b \\\\% |"
            })
    void aPercentSignEndsTheCommandAndBeginsItsInput(String written, String command, String input) {
        var read = one("@daily " + written);

        assertThat(read.command()).isEqualTo(command);
        assertThat(read.input().map(text -> text.replace('\n', '~')).orElse(null))
                .isEqualTo(input);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cat%it's one%%  two $HOME %s\\n", "read a; read b; echo \"$b-$a\"%1%2", "exit 3%x"})
    void theScriptDoesWhatTheShellOfCronDoes(String written) throws IOException, InterruptedException {
        var read = one("@daily " + written);

        var asCron = run(read.command(), read.input().orElse(""));

        assertThat(run(read.script(), "")).isEqualTo(asCron).isNotEqualTo("0 ");
    }

    @Test
    void anotherShellRunsTheCommandWhereOneIsNamed() throws IOException, InterruptedException {
        var read = one("SHELL=/bin/bash\n@daily echo 'it is' {1..3}; test -n \"$BASH_VERSION\"");

        assertThat(read.script()).startsWith("exec '/bin/bash' -c ");
        assertThat(run(read.script(), "")).isEqualTo("0 it is 1 2 3\n");
        assertThat(one("SHELL=/bin/sh\n@daily a").script()).isEqualTo("a");
    }

    private String run(String script, String input) throws IOException, InterruptedException {
        var given = Files.writeString(folder.resolve("input"), input);
        var process = new ProcessBuilder("/bin/sh", "-c", script)
                .redirectInput(given.toFile())
                .redirectErrorStream(true)
                .start();
        var out = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return process.exitValue() + " " + out;
    }

    @Test
    void theCommentRightAboveIsTheTitleUnlessItIsALineOutOfAction() {
        var titles = entries("""
                # first
                ## Nightly report ##
                @daily a
                @daily b
                # far

                @daily c
                #0 5 * * * old
                @daily d
                #MAILTO=x
                @daily e
                # -----
                @daily f
                # für alle
                @daily g
                """).stream().map(Entry::title).toList();

        assertThat(titles.stream().map(title -> title.orElse("-")))
                .containsExactly("Nightly report ##", "-", "-", "-", "-", "-", "für alle");
    }

    @Test
    void aSystemFileNamesAUserBeforeTheCommand() {
        var read = Crontab.read("17 *\t* * *\troot\tcd / && run-parts\n@daily  ann  x y\n", true);

        assertThat(read.problems()).isEmpty();
        assertThat(read.entries())
                .extracting(entry -> entry.user().orElseThrow() + ": " + entry.command())
                .containsExactly("root: cd / && run-parts", "ann: x y");
        assertThat(problems("@daily root\n", true)).containsExactly("1:1 BAD_CRON no command follows the user");
    }

    @Test
    void everyLineThatIsWrongIsToldWithItsPlace() {
        assertThat(problems("""
                @reboot start
                @daily fine
                  61 * * * * x
                * * * *
                * * * * *
                hello
                CRON_TZ=Mars
                A="open
                "A B"=x
                @fortnightly x
                0 0 30 2 * never
                0;1 * * * * x
                """, false))
                .satisfiesExactly(
                        one -> assertThat(one).startsWith("1:1 BAD_CRON @reboot is no time"),
                        one -> assertThat(one).startsWith("3:3 BAD_CRON its minute '61' is wrong"),
                        one -> assertThat(one).startsWith("4:1 BAD_CRON this is neither NAME=VALUE nor five fields"),
                        one -> assertThat(one).isEqualTo("5:1 BAD_CRON no command follows the schedule"),
                        one -> assertThat(one).startsWith("6:1 BAD_CRON this is neither"),
                        one -> assertThat(one).isEqualTo("7:1 BAD_TIMEZONE no time zone is called 'Mars'"),
                        one -> assertThat(one).startsWith("8:1 BAD_VARIABLE the value of A begins with a quote"),
                        one -> assertThat(one).isEqualTo("9:1 BAD_VARIABLE 'A B' is no name of a variable"),
                        one -> assertThat(one).startsWith("10:1 BAD_CRON known are @annually"),
                        one -> assertThat(one).startsWith("11:1 BAD_CRON it never fires"),
                        one -> assertThat(one).startsWith("12:1 BAD_CRON cron knows no ';'"));
    }

    @Test
    void theNextTimeIsOneOfTheZone() {
        var now = Instant.parse("2026-03-28T12:00:00Z");

        assertThat(one("30 2 * * * x").next(now, ZoneId.of("Europe/Berlin")))
                .hasValue(Instant.parse("2026-03-29T01:00:00Z"));
        assertThat(one("~ 2 * * * x").next(now, ZoneId.of("UTC")))
                .as("known when the job has its id")
                .isEmpty();
    }

    @Test
    void linesMayEndAsOnWindowsAndTheLastWithoutABreak() {
        assertThat(entries("@daily a\r\n\r\n@daily b").stream().map(Entry::command))
                .containsExactly("a", "b");
    }
}
