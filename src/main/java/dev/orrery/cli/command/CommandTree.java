package dev.orrery.cli.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.config.ProgramVersion;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Help;

/**
 * All commands by their names. Reading a command's annotations costs time, so where the words on the command line name a
 * command, only that one is read; where they do not, all are, to be listed or to find the nearest.
 */
final class CommandTree {

    private static final int HELP_WIDTH_MIN = 60;
    private static final int HELP_WIDTH_MAX = 100;

    private record Node(Function<Context, Action> command, Map<String, Node> below) {}

    private static final Node ROOT = new Node(RootCommand::new, new LinkedHashMap<>());

    static {
        ROOT.below.put("node", leaf(NodeCommand::new));
        ROOT.below.put("try", leaf(TryCommand::new));
        var dag = group("dag", Group.Dag::new);
        dag.put("new", leaf(DagNewCommand::new));
        dag.put("validate", leaf(DagValidateCommand::new));
        dag.put("graph", leaf(DagGraphCommand::new));
        dag.put("apply", leaf(DagApplyCommand::new));
        dag.put("list", leaf(DagListCommand::new));
        dag.put("show", leaf(DagShowCommand::new));
        dag.put("trigger", leaf(DagTriggerCommand::new));
        dag.put("pause", leaf(DagPauseCommand::new));
        dag.put("resume", leaf(DagResumeCommand::new));
        dag.put("delete", leaf(DagDeleteCommand::new));
        var run = group("run", Group.Run::new);
        run.put("list", leaf(RunListCommand::new));
        run.put("show", leaf(RunShowCommand::new));
        run.put("watch", leaf(RunWatchCommand::new));
        run.put("logs", leaf(RunLogsCommand::new));
        run.put("cancel", leaf(RunCancelCommand::new));
        run.put("delete", leaf(RunDeleteCommand::new));
        var task = group("task", Group.Task::new);
        task.put("submit", leaf(TaskSubmitCommand::new));
        task.put("list", leaf(TaskListCommand::new));
        task.put("show", leaf(TaskShowCommand::new));
        task.put("tree", leaf(TaskTreeCommand::new));
        task.put("explain", leaf(TaskExplainCommand::new));
        task.put("logs", leaf(TaskLogsCommand::new));
        task.put("stats", leaf(TaskStatsCommand::new));
        task.put("set", leaf(TaskSetCommand::new));
        task.put("cancel", leaf(TaskCancelCommand::new));
        task.put("retry", leaf(TaskRetryCommand::new));
        task.put("snooze", leaf(TaskSnoozeCommand::new));
        task.put("depend", leaf(TaskDependCommand::new));
        var letter = group("dead-letter", Group.DeadLetter::new);
        letter.put("list", leaf(DeadLetterListCommand::new));
        letter.put("show", leaf(DeadLetterShowCommand::new));
        letter.put("groups", leaf(DeadLetterGroupsCommand::new));
        letter.put("redrive", leaf(DeadLetterRedriveCommand::new));
        letter.put("discard", leaf(DeadLetterDiscardCommand::new));
        letter.put("redrives", leaf(DeadLetterRedrivesCommand::new));
        letter.put("cancel", leaf(DeadLetterCancelCommand::new));
        var job = group("job", Group.Job::new);
        job.put("create", leaf(JobCreateCommand::new));
        job.put("import", new Node(Group.JobImport::new, Map.of("crontab", leaf(JobImportCrontabCommand::new))));
        job.put("list", leaf(JobListCommand::new));
        job.put("show", leaf(JobShowCommand::new));
        job.put("next", leaf(JobNextCommand::new));
        job.put("history", leaf(JobHistoryCommand::new));
        job.put("logs", leaf(JobLogsCommand::new));
        job.put("stats", leaf(JobStatsCommand::new));
        job.put("trigger", leaf(JobTriggerCommand::new));
        job.put("retry", leaf(JobRetryCommand::new));
        job.put("pause", leaf(JobPauseCommand::new));
        job.put("resume", leaf(JobResumeCommand::new));
        job.put("cancel", leaf(JobCancelCommand::new));
        job.put("delete", leaf(JobDeleteCommand::new));
        var event = group("event", Group.Event::new);
        event.put("send", leaf(EventSendCommand::new));
        event.put("list", leaf(EventListCommand::new));
        event.put("show", leaf(EventShowCommand::new));
        event.put("replay", leaf(EventReplayCommand::new));
        var handler = group("event-handler", Group.EventHandler::new);
        handler.put("create", leaf(EventHandlerCreateCommand::new));
        handler.put("list", leaf(EventHandlerListCommand::new));
        handler.put("show", leaf(EventHandlerShowCommand::new));
        handler.put("enable", leaf(EventHandlerEnableCommand::new));
        handler.put("disable", leaf(EventHandlerDisableCommand::new));
        handler.put("delete", leaf(EventHandlerDeleteCommand::new));
        var webhook = group("webhook", Group.Webhook::new);
        webhook.put("create", leaf(WebhookCreateCommand::new));
        webhook.put("list", leaf(WebhookListCommand::new));
        webhook.put("show", leaf(WebhookShowCommand::new));
        webhook.put("delete", leaf(WebhookDeleteCommand::new));
        group("worker", Group.Worker::new).put("list", leaf(WorkerListCommand::new));
        group("lock", Group.Lock::new).put("list", leaf(LockListCommand::new));
        var queue = group("queue", Group.Queue::new);
        queue.put("list", leaf(QueueListCommand::new));
        queue.put("show", leaf(QueueShowCommand::new));
        queue.put("set", leaf(QueueSetCommand::new));
        queue.put("pause", leaf(QueuePauseCommand::new));
        queue.put("resume", leaf(QueueResumeCommand::new));
        var limit = group("limit", Group.Limit::new);
        limit.put("list", leaf(LimitListCommand::new));
        limit.put("set", leaf(LimitSetCommand::new));
        limit.put("delete", leaf(LimitDeleteCommand::new));
        var tenant = group("tenant", Group.Tenant::new);
        tenant.put("create", leaf(TenantCreateCommand::new));
        tenant.put("list", leaf(TenantListCommand::new));
        tenant.put("delete", leaf(TenantDeleteCommand::new));
        var audit = group("audit", Group.Audit::new);
        audit.put("list", leaf(AuditListCommand::new));
        var cluster = group("cluster", Group.Cluster::new);
        cluster.put("status", leaf(ClusterStatusCommand::new));
        cluster.put("drain", leaf(ClusterDrainCommand::new));
        ROOT.below.put("doctor", leaf(DoctorCommand::new));
        ROOT.below.put("config", leaf(ConfigCommand::new));
        ROOT.below.put("version", leaf(VersionCommand::new));
        ROOT.below.put("completion", leaf(CompletionCommand::new));
    }

    private CommandTree() {}

    private static Node leaf(Function<Context, Action> command) {
        return new Node(command, Map.of());
    }

    private static Map<String, Node> group(String name, Function<Context, Action> command) {
        var group = new Node(command, new LinkedHashMap<>());
        ROOT.below.put(name, group);
        return group.below;
    }

    /** Everything there is. */
    static CommandLine whole(Context context) {
        return build(context, ROOT, new String[0], 0);
    }

    /** As much as is needed to execute these arguments. */
    static CommandLine forArguments(Context context, String[] arguments) {
        return build(context, ROOT, arguments, 0);
    }

    private static CommandLine build(Context context, Node node, String[] arguments, int at) {
        var commandLine = new CommandLine(node.command.apply(context));
        var named = at < arguments.length ? node.below.get(arguments[at]) : null;
        if (named != null) {
            commandLine.addSubcommand(arguments[at], build(context, named, arguments, at + 1));
        } else {
            node.below.forEach((name, below) -> commandLine.addSubcommand(name, listed(context, below)));
        }
        return at == 0 ? settled(context, commandLine, arguments) : commandLine;
    }

    /** A command as its parent lists it: a group tells its commands too, so that one page shows all there are. */
    private static CommandLine listed(Context context, Node node) {
        var commandLine = build(context, node, new String[0], 0);
        if (!node.below.isEmpty()) {
            var usage = commandLine.getCommandSpec().usageMessage();
            var sentence = usage.description()[0].replaceFirst("\\.$", "");
            usage.description(sentence + ": " + String.join(", ", node.below.keySet()) + ".");
        }
        return commandLine;
    }

    private static CommandLine settled(Context context, CommandLine root, String[] arguments) {
        var terminal = context.terminal();
        root.getCommandSpec().versionProvider(() -> new String[] {"orrery " + ProgramVersion.text()});
        return root.setOut(new PrintWriter(terminal.out(), true, UTF_8))
                .setErr(new PrintWriter(terminal.err(), true, UTF_8))
                .setExpandAtFiles(false)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(false)
                .setUsageHelpWidth(helpWidth(context, arguments))
                .setColorScheme(Help.defaultColorScheme(terminal.style().colours() ? Help.Ansi.ON : Help.Ansi.OFF))
                .setParameterExceptionHandler(new UsageErrors(context))
                .setExecutionExceptionHandler(new ExecutionErrors(context));
    }

    /** To ask a terminal for its width takes a moment, which only those need to wait who read help there. */
    private static int helpWidth(Context context, String[] arguments) {
        var asked = List.of(arguments).contains("--help") || List.of(arguments).contains("-h");
        return asked && context.terminal().interactive()
                ? Math.clamp(context.terminal().columns().now(), HELP_WIDTH_MIN, HELP_WIDTH_MAX)
                : HELP_WIDTH_MAX;
    }
}
