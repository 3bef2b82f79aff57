package dev.orrery.fault;

import static dev.orrery.domain.task.TaskState.*;
import static dev.orrery.fault.HandMade.RUN;
import static dev.orrery.fault.HandMade.at;
import static dev.orrery.fault.HandMade.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.dag.RunState;
import dev.orrery.fault.History.Answer;
import dev.orrery.fault.History.Claim;
import dev.orrery.fault.History.Outliving;
import dev.orrery.fault.History.PlannedTask;
import dev.orrery.fault.History.Seen;
import dev.orrery.fault.History.Sign;
import dev.orrery.fault.History.StoredRun;
import dev.orrery.fault.History.Term;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The checker on histories written by hand: each breaks one rule, and those in which all is well break none. */
class CheckerTest {

    private HandMade history;

    @BeforeEach
    void begin() {
        history = new HandMade();
    }

    @Test
    void aNodeThatIsLostAndATaskThatFailsAsPlannedBreakNothing() {
        assertThat(history.check().violations()).isEmpty();
    }

    @Test
    void theSameAnswerTwiceBreaksNothing() {
        history.answers.add(new Answer("key-1", "mix", RUN, at(2)));

        assertThat(history.check().violations()).isEmpty();
    }

    @Test
    void aClaimHandedBackUnbegunKeepsItsAttemptsNumber() {
        history.without(9, "report");
        history.change(9, "id-a", "report", QUEUED, READY, 1, 5);
        history.change(10, "id-b", "report", QUEUED, SUCCEEDED, 1, 6);
        history.effects.removeIf(effect -> effect.task().task().equals("report"));
        history.effect("report", 1, 6, "b", Sign.START, 13);
        history.effect("report", 1, 6, "b", Sign.END, 14);

        assertThat(history.check().violations()).isEmpty();
    }

    @Test
    void aClaimLostBeforeItsStartWasToldUsesItsAttemptsNumberUp() {
        lose("report");
        history.unknownStarts.add(new Claim(key("report"), 5));

        assertThat(history.check().violations()).isEmpty();
    }

    @Test
    void aNumberIsNotUsedUpByAClaimThatNobodyLost() {
        lose("report");

        assertBroken(Rule.ATTEMPTS_COUNT, "0 attempts had begun before attempt 2");
    }

    /** A node gets the task, begins it and dies before it has told of that. */
    private void lose(String task) {
        history.without(9, task);
        history.change(9, "id-a", task, QUEUED, READY, 1, 5);
        history.change(10, "id-b", task, QUEUED, SUCCEEDED, 2, 6);
        history.effects.removeIf(effect -> effect.task().task().equals(task));
        history.effect(task, 1, 5, "a", Sign.START, 13);
        history.effect(task, 2, 6, "b", Sign.START, 14);
        history.effect(task, 2, 6, "b", Sign.END, 15);
    }

    @Test
    void workDoneUnderAClaimThatIsToldOfAsUnbegun() {
        lose("report");
        history.instead(10, "id-b", "report", QUEUED, SUCCEEDED, 1, 6);

        assertBroken(Rule.ATTEMPTS_COUNT, "had begun under fence 5");
    }

    @Test
    void whatWasAskedToEndMayBeCancelled() {
        history.instead(9, "id-b", "report", QUEUED, CANCELLED, 1, 5);
        history.cancelAsked.add(RUN);
        history.ended(RunState.CANCELLED, 16);
        history.seen.clear();

        assertThat(history.check().violations()).isEmpty();
    }

    @Test
    void aTaskThatTookThreeNodesWithItMayBeSetAside() {
        history.without(8, "load");
        history.without(8, "report");
        history.without(9, "report");
        history.change(8, "id-b", "load", RUNNING, READY, 2, 3);
        history.change(9, "id-b", "load", QUEUED, RUNNING, 3, 6);
        history.change(10, "id-b", "load", RUNNING, FAILED, 3, 6);
        history.change(10, "id-b", "report", BLOCKED, SKIPPED, 0, 0);
        history.deadLetters.add(key("load"));
        history.effects.clear();

        assertThat(history.check().violations()).isEmpty();
    }

    @Test
    void anAcceptedRunThatIsNotThere() {
        history.answers.add(new Answer("key-2", "mix", "run-2", at(1)));

        assertBroken(Rule.ACCEPTED_IS_KEPT, "run-2");
    }

    @Test
    void aKeyThatMadeTwoRuns() {
        history.answers.add(new Answer("key-1", "mix", "run-2", at(1)));
        history.runs.add(new StoredRun("run-2", "other", RunState.SUCCEEDED, at(2)));

        assertBroken(Rule.ONE_RUN_FOR_A_KEY, "one key made two runs");
    }

    @Test
    void aRunThatNobodyAskedFor() {
        history.answers.clear();

        assertBroken(Rule.ONE_RUN_FOR_A_KEY, "no client was told");
    }

    @Test
    void aFinalStateThatWasTakenBack() {
        history.seen.add(new Seen(RUN, RunState.SUCCEEDED, at(15)));

        assertBroken(Rule.TOLD_IS_TRUE, "SUCCEEDED");
    }

    @Test
    void aRunThatDoesNotEnd() {
        history.runs.set(0, new StoredRun(RUN, "mix", RunState.RUNNING, null));
        history.seen.clear();
        history.without(9, "report");
        history.effects.removeIf(effect -> effect.task().task().equals("report"));

        assertBroken(Rule.ALL_ENDS, "has not ended");
        assertThat(history.check().toString()).contains("report is ready");
    }

    @Test
    void aRunThatEndsTooLate() {
        history.ended(RunState.FAILED, 10 + 61);

        assertBroken(Rule.ALL_ENDS, "30.50 s after");
    }

    @Test
    void aRunThatEndsWithAnOpenTask() {
        history.without(9, "report");
        history.effects.removeIf(effect -> effect.task().task().equals("report"));

        assertBroken(Rule.RUN_AS_ITS_TASKS, "1 open tasks");
    }

    @Test
    void aRunThatSucceedsThoughATaskFailed() {
        history.ended(RunState.SUCCEEDED, 16);
        history.seen.clear();

        assertBroken(Rule.RUN_AS_ITS_TASKS, "by its tasks FAILED");
    }

    @Test
    void aChangeThatNoStateAllows() {
        history.instead(6, "id-b", "after", BLOCKED, SUCCEEDED, 0, 0);

        assertBroken(Rule.LEGAL_CHANGE, "no BLOCKED may become SUCCEEDED");
    }

    @Test
    void aChangeFromAStateInWhichTheTaskWasNot() {
        history.without(8, "report");

        assertBroken(Rule.LEGAL_CHANGE, "claimed while BLOCKED");
    }

    @Test
    void aSecondResult() {
        history.change(10, "id-a", "report", RUNNING, SUCCEEDED, 1, 5);

        assertBroken(Rule.ONE_RESULT, "after the end of report");
    }

    @Test
    void aResultUnderAClaimThatWasTakenBack() {
        history.instead(8, "id-a", "load", RUNNING, SUCCEEDED, 1, 1);

        assertBroken(Rule.ONE_CLAIM, "two claims of load");
    }

    @Test
    void aClaimWhileAnotherOneIsOpen() {
        history.without(4, "load");

        assertBroken(Rule.ONE_CLAIM, "two claims of load");
    }

    @Test
    void aTaskThatIsMadeReadyWhileItIsClaimed() {
        history.changes.add(7, history.changes.get(2));
        history.instead(3, null, "broken", RETRYING, READY, 1, 0);
        history.without(4, "load");
        history.changes.add(3, new History.Change(4, at(4), null, key("load"), RETRYING, READY, 1, 0));

        assertBroken(Rule.ONE_CLAIM, "moved while it was claimed");
    }

    @Test
    void aFenceThatIsNotGreater() {
        history.instead(5, "id-b", "load", QUEUED, RUNNING, 2, 1);
        history.instead(8, "id-b", "load", RUNNING, SUCCEEDED, 2, 1);

        assertBroken(Rule.FENCES_GROW, "fence 1 came after fence 1");
    }

    @Test
    void aResultThatComesAfterItsClaimIsOver() {
        history.without(5, "load");
        history.instead(8, "id-a", "load", RUNNING, SUCCEEDED, 1, 1);

        assertBroken(Rule.FENCES_GROW, "told of as running while it was READY");
    }

    @Test
    void anAttemptWhoseNumberWasUsed() {
        history.instead(5, "id-b", "load", QUEUED, RUNNING, 1, 3);
        history.instead(8, "id-b", "load", RUNNING, SUCCEEDED, 1, 3);

        assertBroken(Rule.ATTEMPTS_COUNT, "1 attempts had begun before attempt 1");
    }

    @Test
    void aDependentThatIsReleasedTooEarly() {
        history.without(8, "report");
        history.changes.addFirst(new History.Change(1, at(1), "id-b", key("report"), BLOCKED, READY, 0, 0));

        assertBroken(Rule.PREREQUISITES_FIRST, "before load had succeeded");
    }

    @Test
    void aDependentThatIsReleasedOnlyLater() {
        history.without(8, "report");
        history.changes.add(8, new History.Change(9, at(9), "id-b", key("report"), BLOCKED, READY, 0, 0));

        assertBroken(Rule.PREREQUISITES_FIRST, "not released with its last prerequisite");
    }

    @Test
    void aDependentThatRunsBeforeThePrerequisitesWorkIsDone() {
        history.effects.removeIf(effect -> effect.task().task().equals("report"));
        history.effect("report", 1, 5, "b", Sign.START, 11);
        history.effect("report", 1, 5, "b", Sign.END, 14);

        assertBroken(Rule.PREREQUISITES_FIRST, "before load had done its work");
    }

    @Test
    void aSuccessOfATaskThatCannotSucceed() {
        history.tasks.put("report", new PlannedTask(Set.of("load"), 1, true));

        assertBroken(Rule.JUSTIFIED, "never can");
    }

    @Test
    void aFailureOfATaskThatHadTriesLeft() {
        history.tasks.put("broken", new PlannedTask(Set.of(), 3, false));

        assertBroken(Rule.JUSTIFIED, "after 2 failures of 3");
    }

    @Test
    void aFailureWithoutADeadLetter() {
        history.deadLetters.clear();

        assertBroken(Rule.JUSTIFIED, "without a dead letter");
    }

    @Test
    void aDeadLetterWithoutAFailure() {
        history.deadLetters.add(key("load"));

        assertBroken(Rule.JUSTIFIED, "with a dead letter");
    }

    @Test
    void aSkipWithoutAReason() {
        history.instead(8, "id-b", "report", BLOCKED, SKIPPED, 0, 0);
        history.without(9, "report");
        history.effects.removeIf(effect -> effect.task().task().equals("report"));

        assertBroken(Rule.JUSTIFIED, "none of its prerequisites had ended badly");
    }

    @Test
    void aCancelThatNobodyAskedFor() {
        history.instead(9, "id-b", "report", QUEUED, CANCELLED, 1, 5);

        assertBroken(Rule.JUSTIFIED, "nobody had asked");
    }

    @Test
    void workUnderAFenceThatNobodyHeld() {
        history.effect("load", 3, 99, "a", Sign.START, 14);

        assertBroken(Rule.EFFECT_HAS_CLAIM, "nobody held load of run run-1 under fence 99");
    }

    @Test
    void workOnANodeThatDidNotHoldTheClaim() {
        history.effect("load", 2, 3, "a", Sign.ALIVE, 12);

        assertBroken(Rule.EFFECT_HAS_CLAIM, "run elsewhere");
    }

    @Test
    void aClaimThatIsBegunTwice() {
        history.effects.add(3, history.effects.get(2));

        assertBroken(Rule.EFFECT_HAS_CLAIM, "not begun once");
    }

    @Test
    void aSuccessWhoseWorkWasNotDone() {
        history.effects.removeIf(effect -> effect.task().task().equals("report") && effect.sign() == Sign.END);

        assertBroken(Rule.RESULT_HAS_EFFECT, "its work was not done");
    }

    @Test
    void anOlderAttemptThatGoesOnBesideANewerOne() {
        history.effects.add(2, new History.Effect(key("load"), 1, 1, "a", Sign.ALIVE, at(11)));

        assertBroken(Rule.NO_OVERLAP, "went on for 0.50 s");
        assertThat(history.check().longestOverlap()).isEqualTo(Duration.ofMillis(500));
    }

    @Test
    void theChildOfAFrozenNodeMayGoOnForAsLongAsIsSaid() {
        history.effects.add(2, new History.Effect(key("load"), 1, 1, "a", Sign.ALIVE, at(11)));

        history.outlivings.add(new Outliving("a", at(1), at(11), "frozen"));
        assertThat(history.check().violations()).isEmpty();

        history.outlivings.set(0, new Outliving("a", at(1), at(10), "frozen"));
        assertBroken(Rule.NO_OVERLAP, "went on");

        history.outlivings.set(0, new Outliving("b", at(1), at(11), "frozen"));
        assertBroken(Rule.NO_OVERLAP, "went on");
    }

    @Test
    void attemptsThatHoldALockInTurnBreakNothing() {
        lockBoth();
        held("load", 1, 3, 11, 1);
        held("report", 1, 5, 13, 2);

        assertThat(history.check().violations()).isEmpty();
    }

    @Test
    void aLockThatIsHeldByTwo() {
        lockBoth();
        held("load", 1, 3, 11, 2);
        held("report", 1, 5, 13, 1);

        assertBroken(Rule.ONE_HOLDER, "was held by two");
    }

    @Test
    void aLockWhoseNumberDoesNotGrow() {
        lockBoth();
        held("load", 1, 3, 11, 1);
        held("report", 1, 5, 13, 1);

        assertBroken(Rule.ONE_HOLDER, "no number of its own");
    }

    private void lockBoth() {
        history.tasks.put("load", new PlannedTask(Set.of(), 0, true, "only-one"));
        history.tasks.put("report", new PlannedTask(Set.of("load"), 0, true, "only-one"));
        history.without(1, "load");
        history.without(4, "load");
        history.instead(5, "id-b", "load", QUEUED, RUNNING, 1, 3);
        history.instead(8, "id-b", "load", RUNNING, SUCCEEDED, 1, 3);
        history.effects.clear();
    }

    private void held(String task, int attempt, long fence, int from, long number) {
        history.effects.add(new History.Effect(key(task), attempt, fence, "b", Sign.START, at(from), number));
        history.effects.add(new History.Effect(key(task), attempt, fence, "b", Sign.END, at(from + 1), number));
    }

    @Test
    void anEpochThatFalls() {
        history.terms.add(new Term(at(10), 7, "id-a"));

        assertBroken(Rule.EPOCHS_GROW, "fell");
    }

    @Test
    void anEpochWithTwoLeaders() {
        history.terms.add(new Term(at(10), 8, "id-a"));

        assertBroken(Rule.EPOCHS_GROW, "two leaders");
    }

    @Test
    void aProcessThatIsLeftOver() {
        history.leftOvers.add("process 4711 sleep 60");

        assertBroken(Rule.NOTHING_LEFT, "4711");
    }

    private void assertBroken(Rule rule, String what) {
        var report = history.check();
        assertThat(report.isGood()).isFalse();
        assertThat(report.violations()).anySatisfy(violation -> {
            assertThat(violation.rule()).isEqualTo(rule);
            assertThat(violation.what()).contains(what);
        });
        assertThat(report.toString()).contains(rule.sentence());
    }
}
