package dev.orrery.store;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.task.Verdict;
import dev.orrery.testing.Graphs;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Executions that failed and are tried again, while others look at how they ended. */
class ReopenedExecutionsIT {

    private static final String JOB = "00000000-0000-7000-8000-000000000001";
    private static final String SEND_BACK =
            "SELECT redrive_letters(1, ARRAY(SELECT id FROM dead_letters), 'somebody', 3, NULL, NULL)";
    private static final String NOTE = "SELECT note_ended('00000000-0000-0000-0000-000000000000',"
            + " '00000000-0000-0000-0000-000000000000', 100)";

    private TaskBench bench;
    private DagId dag;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(new SingleTaskRepository.Limits(6, 6));
        dag = Graphs.publish(bench.database, Graphs.tasks("a"));
        bench.execute("""
                INSERT INTO jobs (id, tenant_id, dag_id, name, handler_name, type, run_at, timezone, status)
                VALUES ('%s', 1, '%s', 'job', 'noop', 'one_time', now(), 'UTC', 'active')
                """.formatted(JOB, dag));
        bench.execute("SELECT trigger_job(1, '%s', '%s', now())".formatted(JOB, TaskBench.nextId()));
        end(TaskBench.FAIL);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void oneThatIsSentBackMeanwhileEndsAsItEndsThen()
            throws SQLException, InterruptedException, ExecutionException, TimeoutException {
        whileHeld(SEND_BACK, NOTE);
        endsWell();
    }

    @Test
    void oneThatIsRetriedMeanwhileEndsAsItEndsThen()
            throws SQLException, InterruptedException, ExecutionException, TimeoutException {
        bench.execute("UPDATE dags SET is_internal = true WHERE id = '%s'".formatted(dag));
        whileHeld("SELECT retry_execution(1, (SELECT id FROM job_executions))", NOTE);
        endsWell();
    }

    @Test
    void theDagOfOneThatIsSentBackMeanwhileIsNotDeleted()
            throws SQLException, InterruptedException, ExecutionException, TimeoutException {
        bench.execute("UPDATE jobs SET status = 'completed', completed_at = now()");
        assertThat(whileHeld(SEND_BACK, "SELECT hide_dag(1, '%s')".formatted(dag)))
                .isEqualTo("active");
        end(TaskBench.SUCCEED);
    }

    /** What the second call answers that comes while the first has been made but is not committed. */
    private String whileHeld(String call, String second)
            throws SQLException, InterruptedException, ExecutionException, TimeoutException {
        try (var calling = bench.database.connect();
                var other = bench.database.connect()) {
            calling.setAutoCommit(false);
            execute(calling, call);
            var answer = CompletableFuture.supplyAsync(() -> answer(other, second));
            until(
                    "there is an answer, or it waits for the call",
                    () -> answer.isDone()
                            || !bench.text(
                                            "SELECT count(*) FROM pg_locks l WHERE NOT l.granted AND l.pid IN"
                                                    + " (SELECT a.pid FROM pg_stat_activity a WHERE a.datname = current_database())")
                                    .equals("0"));
            calling.commit();
            return answer.get(30, TimeUnit.SECONDS);
        }
    }

    private void endsWell() throws SQLException {
        assertThat(outcome()).isEqualTo("open");
        end(TaskBench.SUCCEED);
        bench.execute(NOTE);
        assertThat(outcome()).isEqualTo("success");
        assertThat(bench.text("SELECT executions || ' ' || successes || ' ' || failures FROM job_counts"))
                .isEqualTo("1 1 0");
    }

    private void end(Verdict verdict) {
        bench.end(bench.claimOne(), verdict);
    }

    private String outcome() {
        return bench.text("SELECT coalesce(outcome::text, 'open') FROM job_executions");
    }

    private static String answer(Connection connection, String call) {
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery(call)) {
            rows.next();
            return rows.getString(1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
