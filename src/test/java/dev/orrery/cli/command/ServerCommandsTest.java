package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.CommandRun;
import dev.orrery.cli.client.JsonObject;
import org.junit.jupiter.api.Test;

/** What tells of the server itself, and what is told where it refuses or is not there. */
class ServerCommandsTest extends ServerCommandsTestBase {

    @Test
    void workersAreListed() {
        node.on(
                "GET /api/v1/workers?limit=100&offset=0",
                200,
                "[{\"id\":\"w1\",\"nodeId\":\"n1\",\"status\":\"running\",\"runningTasks\":2,\"queueDepth\":14}]");

        node.on("GET /api/v1/remote-workers?limit=100", 200, "{\"items\":[],\"nextCursor\":null}");

        assertThat(command.run("worker", "list")).isZero();
        assertThat(command.out())
                .isEqualTo("WORKER  STATUS   RUNNING  QUEUED  NODE\nw1      running        2      14  n1\n");
    }

    @Test
    void remoteWorkersAreListedBesideThemOrAlone() {
        var remote = """
                {"items":[{"id":"r1","name":"gpu-1","version":"","handlers":["resize","crop"],"status":"silent","slots":4,"runningTasks":1,
                 "leaseMs":15000,"silentForMs":20000,"registeredAt":"2026-01-31T02:00:05Z"}],"nextCursor":null}""";
        var table = """
                REMOTE WORKER  STATUS  RUNNING  SLOTS  NAME   HANDLERS
                r1             silent        1      4  gpu-1  resize, crop
                """;
        node.on("GET /api/v1/workers?limit=100&offset=0", 200, "[]");
        node.on("GET /api/v1/remote-workers?limit=100", 200, remote);
        node.on("GET /api/v1/remote-workers?limit=100&handler=a%2Fb", 200, remote);

        assertThat(command.run("worker", "list")).isZero();
        assertThat(command.out()).endsWith(table);
        var alone = new CommandRun().against(node);
        assertThat(alone.run("worker", "list", "--handler", "a/b")).isZero();
        assertThat(alone.out()).isEqualTo(table);
        var json = new CommandRun().against(node);
        assertThat(json.run("worker", "list", "--remote", "--output", "json")).isZero();
        assertThat(json.out()).startsWith("{\"items\"");
    }

    @Test
    void locksAreListedWithTheirHolders() {
        node.on("GET /api/v1/locks?limit=2&cursor=a", 200, """
                {"items":[
                 {"name":"b","fence":4711000000000,"runId":"r1","dagName":"nightly","taskId":"load","heldSince":"2026-01-31T02:00:05Z",
                  "waiting":3},
                 {"name":"c","fence":0,"runId":null,"dagName":null,"taskId":null,"heldSince":null,"waiting":0}],"nextCursor":"c"}""");
        node.on("GET /api/v1/locks?limit=100", 200, "{\"items\":[],\"nextCursor\":null}");

        assertThat(command.run("lock", "list", "--limit", "2", "--cursor", "a")).isZero();
        assertThat(command.out().lines().map(line -> line.replaceAll(" +", " ")))
                .containsExactly(
                        "LOCK TAKEN WAITING HELD TASK DAG RUN",
                        "b 4711000000000 3 5s ago load nightly r1",
                        "c 0 0 free - - -");
        assertThat(command.err()).contains("--cursor c");
        assertThat(new CommandRun().against(node).run("lock", "list", "--output", "json"))
                .isZero();
    }

    @Test
    void aNameThatIsNoneIsToldWithoutAPlaceInABodyThatNobodyTyped() {
        node.on("POST /api/v1/tenants", 400, """
                {"code":"VALIDATION_ERROR","message":"the body has 1 problem","details":[{"code":"INVALID_VALUE","line":1,
                 "column":2,"path":"name","message":"'a b' does not have the right form","help":"write it so"}]}""");

        assertThat(command.run("tenant", "create", "a b")).isNotZero();

        assertThat(command.err())
                .contains("NAME", "'a b' does not have the right form", "write it so")
                .doesNotContain("1:2");
    }

    @Test
    void tenantsAreMadeListedAndDeletedIfThatIsMeant() {
        node.on("POST /api/v1/tenants", 201, "{\"name\":\"acme\",\"createdAt\":\"2026-01-31T02:00:05Z\"}");
        node.on(
                "GET /api/v1/tenants?limit=100",
                200,
                "{\"items\":[{\"name\":\"acme\",\"createdAt\":\"2026-01-31T02:00:05Z\"}],\"nextCursor\":null}");
        node.on("DELETE /api/v1/tenants/acme", 204, "");

        assertThat(command.run("tenant", "create", "acme")).isZero();
        assertThat(command.out()).isEqualTo("created acme\n");
        var list = new CommandRun().against(node);
        assertThat(list.run("tenant", "list")).isZero();
        assertThat(list.out()).isEqualTo("TENANT  CREATED\nacme    5s ago\n");
        var hasty = new CommandRun().against(node);
        assertThat(hasty.run("tenant", "delete", "acme")).isEqualTo(2);
        assertThat(hasty.err()).contains("all that the tenant 'acme' has", "tenant delete acme --yes");
        var meant = new CommandRun().against(node);
        assertThat(meant.run("tenant", "delete", "acme", "--yes")).isZero();
        assertThat(meant.out()).isEqualTo("deleted acme\n");
    }

    @Test
    void aCommandIsAboutTheTenantOfItsOptionOrOfTheEnvironment() {
        node.on("GET /api/v1/locks?limit=100", 200, "{\"items\":[],\"nextCursor\":null}");

        command.run("lock", "list");
        assertThat(tenantAsked()).isEmpty();
        new CommandRun().against(node).with("ORRERY_TENANT", "acme").run("lock", "list");
        assertThat(tenantAsked()).isEqualTo("acme");
        new CommandRun().against(node).with("ORRERY_TENANT", "acme").run("lock", "list", "--tenant", "other");
        assertThat(tenantAsked()).isEqualTo("other");
        var wrong = new CommandRun().against(node);
        assertThat(wrong.run("lock", "list", "--tenant", "a b")).isEqualTo(2);
        assertThat(wrong.err()).contains("'a b' cannot be the name of a tenant");
    }

    @Test
    void aCommandTellsWhoAsksByItsOptionTheEnvironmentOrTheSystem() {
        node.on("GET /api/v1/locks?limit=100", 200, "{\"items\":[],\"nextCursor\":null}");

        command.run("lock", "list");
        assertThat(node.requests().getLast().header("Orrery-actor")).isEqualTo(System.getProperty("user.name"));
        new CommandRun().against(node).with("ORRERY_ACTOR", "ada").run("lock", "list");
        assertThat(node.requests().getLast().header("Orrery-actor")).isEqualTo("ada");
        new CommandRun().against(node).with("ORRERY_ACTOR", "ada").run("lock", "list", "--as", "bob, night shift");
        assertThat(node.requests().getLast().header("Orrery-actor")).isEqualTo("bob, night shift");
        var wrong = new CommandRun().against(node);
        assertThat(wrong.run("lock", "list", "--as", "a\nb")).isEqualTo(2);
        assertThat(wrong.err()).contains("cannot be the name of who asks");
    }

    private String tenantAsked() {
        return node.requests().getLast().header("Orrery-tenant");
    }

    private static final String CLUSTER = """
            {"id":"c1","mode":"cluster","leader":"n1","epoch":4,"leaderSince":"2026-01-31T02:00:05Z","nodes":2,"drainingNodes":1,
             "silentNodes":1,"versions":["0.2.0"],"slots":16,"runningTasks":5,"queueDepth":14}""";

    private static String node(String id, String name, String state, String more) {
        return """
                {"id":"%s","name":"%s","state":"%s","leader":false,"mode":"cluster","version":"0.2.0","httpAddress":null,
                 "capabilities":["shell"],"startedAt":"2026-01-31T02:00:0%sZ","heartbeatAgeMs":412,"slots":8,"runningTasks":0,
                 "queueDepth":0,"clockOffsetMs":-3%s}""".formatted(id, name, state, id.substring(1), more);
    }

    private void nodes(String state, String... nodes) {
        node.on(
                "GET /api/v1/nodes?state=" + state + "&limit=500",
                200,
                "{\"items\":[" + String.join(",", nodes) + "],\"nextCursor\":null}");
    }

    private void aCluster() {
        node.on("GET /api/v1/cluster", 200, CLUSTER);
        nodes(
                "working",
                node(
                        "n1",
                        "a",
                        "working",
                        ",\"leader\":true,\"runningTasks\":5,\"queueDepth\":14,\"httpAddress\":\"http://10.0.0.1:8080\""));
        nodes("draining", node("n3", "c", "draining", ",\"clockOffsetMs\":3600000"));
        nodes("silent", node("n2", "b", "silent", ",\"heartbeatAgeMs\":7300"));
    }

    @Test
    void theClusterIsShownWithItsLeaderAndNodes() {
        aCluster();

        assertThat(command.run("cluster", "status")).isZero();
        assertThat(command.out().lines().map(line -> line.replaceAll(" +", " ")))
                .containsExactly(
                        "cluster c1 (cluster)",
                        "leader a, epoch 4, elected 5s ago",
                        "load 5 running, 14 queued, 16 slots on 2 nodes",
                        "",
                        "NODE STATE LEADS RUNNING QUEUED SLOTS HEARTBEAT CLOCK VERSION STARTED ID ADDRESS",
                        "c draining - 0 0 8 412ms +1h 00m 0.2.0 7s ago n3 -",
                        "b silent - 0 0 8 7.3s -3ms 0.2.0 8s ago n2 -",
                        "a working yes 5 14 8 412ms -3ms 0.2.0 9s ago n1 http://10.0.0.1:8080");
        assertThat(command.err().lines())
                .satisfiesExactly(
                        clock -> assertThat(clock).contains("'c' is 1h 00m ahead of the database's", "set the clock"),
                        silent -> assertThat(silent).contains("'b' is silent"));
    }

    @Test
    void aClusterWithoutLeaderAndWithSeveralVersionsIsRemarkedOn() {
        aCluster();
        node.on(
                "GET /api/v1/cluster",
                200,
                CLUSTER.replace("\"n1\"", "null").replace("[\"0.2.0\"]", "[\"0.2.0\",\"0.3.0\"]"));

        assertThat(command.run("cluster", "status")).isZero();
        assertThat(command.out()).contains("leader   none, the last one had epoch 4\n");
        assertThat(command.err()).contains("no node leads", "no schedule starts", "different versions: 0.2.0, 0.3.0");
    }

    @Test
    void theClusterIsToldToPrograms() {
        aCluster();

        assertThat(command.run("cluster", "status", "--output", "json")).isZero();
        var told = JsonObject.parse(command.out());
        assertThat(told.object("cluster").orElseThrow().textOrEmpty("leader")).isEqualTo("n1");
        assertThat(told.objects("nodes").stream().map(one -> one.textOrEmpty("id")))
                .containsExactly("n3", "n2", "n1");
        assertThat(command.err()).isEmpty();
    }

    @Test
    void moreNodesThanFitIntoOneAnswerAreReadToTheEnd() {
        aCluster();
        node.on(
                "GET /api/v1/nodes?state=working&limit=500",
                200,
                "{\"items\":[" + node("n5", "e", "working", "") + "],\"nextCursor\":\"1:n5\"}");
        node.on(
                "GET /api/v1/nodes?state=working&limit=500&cursor=1%3An5",
                200, "{\"items\":[" + node("n1", "a", "working", "") + "],\"nextCursor\":null}");

        assertThat(command.run("cluster", "status", "--output", "json")).isZero();
        assertThat(JsonObject.parse(command.out()).objects("nodes")).hasSize(4);
    }

    @Test
    void aNodeIsAskedToDrainByItsNameOrId() {
        aCluster();
        node.on("POST /api/v1/nodes/n1/drain", 202, "");

        assertThat(command.run("cluster", "drain", "a")).isZero();
        assertThat(command.out()).startsWith("node a is asked to drain").contains("orrery cluster status");
        assertThat(node.requests().getLast().header("Idempotency-key")).startsWith("cli-");
        var byId = new CommandRun().against(node);
        assertThat(byId.run("cluster", "drain", "N1", "--output", "json")).isZero();
        assertThat(byId.out()).isEqualTo("{\"nodeId\":\"n1\"}\n");
    }

    @Test
    void aNodeThatIsNotThereOrNotTheOnlyOneOfItsNameIsNotDrained() {
        aCluster();
        nodes("draining", node("n3", "node-3", "draining", ""), node("n4", "a", "draining", ""));

        assertThat(command.run("cluster", "drain", "node-2")).isEqualTo(3);
        assertThat(command.err()).contains("no node is called 'node-2'", "did you mean 'node-3'?");
        var twice = new CommandRun().against(node);
        assertThat(twice.run("cluster", "drain", "a")).isEqualTo(2);
        assertThat(twice.err()).contains("2 nodes are called 'a'", "n4, n1");
        assertThat(node.requests()).allMatch(request -> request.method().equals("GET"));
    }

    @Test
    void aRefusedTokenHasItsOwnExitCodeAndIsNeverShown() {
        node.on(
                "GET /api/v1/dags?limit=50&offset=0",
                401,
                "{\"code\":\"UNAUTHORIZED\",\"message\":\"the token is wrong\",\"details\":[]}");

        assertThat(command.with("ORRERY_TOKEN", "s3cret").run("dag", "list")).isEqualTo(5);
        assertThat(command.err())
                .contains("the token is wrong")
                .contains("ORRERY_TOKEN")
                .doesNotContain("s3cret");
        assertThat(node.requests().getFirst().header("Authorization")).isEqualTo("Bearer s3cret");
    }

    @Test
    void aServerThatIsNotThereHasItsOwnExitCode() {
        node.close();

        assertThat(command.run("worker", "list")).isEqualTo(6);
        assertThat(command.err()).contains("cannot reach " + node.address()).contains("orrery node");
    }

    @Test
    void insideOfATaskTheNodeIsTheOneThatRunsIt() {
        node.on("GET /api/v1/dags?limit=50&offset=0", 200, "[]");

        var exit = new CommandRun()
                .with("ORRERY_API", node.address() + "/api/v1")
                .with("ORRERY_TOKEN", "orrtask_x")
                .run("dag", "list");

        assertThat(exit).isZero();
        assertThat(node.requests().getFirst().header("Authorization")).isEqualTo("Bearer orrtask_x");
        assertThat(command.with("ORRERY_API", "http://127.0.0.1:1/api/v1").run("dag", "list"))
                .as("ORRERY_SERVER is nearer")
                .isZero();
    }

    @Test
    void theAddressMustBeOne() {
        assertThat(new CommandRun().with("ORRERY_SERVER", "ftp://x").run("dag", "list"))
                .isEqualTo(2);
    }

    @Test
    void whatTheNodeFindsWrongIsToldWithItsPlaces() {
        node.on(
                "GET /api/v1/dags?limit=501&offset=0",
                400,
                "{\"code\":\"BAD_REQUEST\",\"message\":\"the query parameter 'limit' is wrong\",\"details\":[{\"code\":\"OUT_OF_RANGE\",\"line\":null,"
                        + "\"column\":null,\"path\":\"query.limit\",\"message\":\"501 is more than 500\",\"help\":\"1 to 500\"}]}");

        assertThat(command.run("dag", "list", "--limit", "501")).isEqualTo(4);
        assertThat(command.err()).contains("query.limit 501 is more than 500\n  help: 1 to 500");
    }
}
