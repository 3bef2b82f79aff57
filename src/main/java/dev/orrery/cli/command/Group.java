package dev.orrery.cli.command;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A word that stands before other commands and does nothing alone. */
abstract class Group extends Action {

    @Spec
    @SuppressWarnings("NullAway.Init")
    CommandSpec spec;

    Group(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var commandLine = spec.commandLine();
        throw new ParameterException(
                commandLine,
                "'" + spec.qualifiedName() + "' needs a command: "
                        + String.join(", ", commandLine.getSubcommands().keySet()));
    }

    /** DAGs. */
    @Command(
            name = "dag",
            description = "Write, check, publish, start and pause DAGs.",
            footer = {
                ServerAction.EXAMPLES,
                "  orrery dag new hello > hello.yaml",
                "  orrery dag apply hello.yaml",
                "  orrery dag trigger hello --follow"
            })
    static final class Dag extends Group {
        Dag(Context context) {
            super(context);
        }
    }

    /** Runs. */
    @Command(
            name = "run",
            description = "Watch, inspect, cancel and delete runs.",
            footer = {
                ServerAction.EXAMPLES,
                "  orrery run list",
                "  orrery run show latest",
                "  orrery run logs latest extract --follow"
            })
    static final class Run extends Group {
        Run(Context context) {
            super(context);
        }
    }

    /** Single tasks. */
    @Command(
            name = "task",
            description = "Submit tasks that belong to no DAG, and see what became of them.",
            footer = {
                ServerAction.EXAMPLES,
                "  orrery task submit --shell './resize.sh 4711.png' --wait",
                "  orrery task submit --file tasks.jsonl",
                "  orrery task list --state blocked"
            })
    static final class Task extends Group {
        Task(Context context) {
            super(context);
        }
    }

    /** Dead letters. */
    @Command(
            name = "dead-letter",
            description = "See what failed for good, send it back or discard it.",
            footer = {
                ServerAction.EXAMPLES,
                "  orrery dead-letter groups",
                "  orrery dead-letter redrive --all --fingerprint 0f3b5c7d9e1a2b4c"
            })
    static final class DeadLetter extends Group {
        DeadLetter(Context context) {
            super(context);
        }
    }

    /** Jobs. */
    @Command(
            name = "job",
            description = "Register, see, fire, pause and end what fires by itself.",
            footer = {
                ServerAction.EXAMPLES,
                "  orrery job list",
                "  orrery job next morning-report",
                "  orrery job history morning-report --status failed"
            })
    static final class Job extends Group {
        Job(Context context) {
            super(context);
        }
    }

    /** Jobs that come from elsewhere. */
    @Command(
            name = "import",
            description = "Make jobs of what another scheduler has.",
            footer = {ServerAction.EXAMPLES, "  crontab -l | orrery job import crontab - --dry-run"})
    static final class JobImport extends Group {
        JobImport(Context context) {
            super(context);
        }
    }

    /** Events. */
    @Command(
            name = "event",
            description = "Publish events, see what they caused, and publish them once more.",
            footer = {
                ServerAction.EXAMPLES,
                "  orrery event send order.paid --payload '{\"order\": 7}'",
                "  orrery event list --name order.paid"
            })
    static final class Event extends Group {
        Event(Context context) {
            super(context);
        }
    }

    /** Event handlers. */
    @Command(
            name = "event-handler",
            description = "Register, see, switch and delete what events fire.",
            footer = {ServerAction.EXAMPLES, "  orrery event-handler create order.paid --dag bill"})
    static final class EventHandler extends Group {
        EventHandler(Context context) {
            super(context);
        }
    }

    /** Webhooks. */
    @Command(
            name = "webhook",
            description = "Make, see and delete what turns signed requests of others into events.",
            footer = {
                ServerAction.EXAMPLES,
                "  orrery webhook create shop --event order.paid --secret-file secret.txt",
                "  orrery webhook list"
            })
    static final class Webhook extends Group {
        Webhook(Context context) {
            super(context);
        }
    }

    /** Locks. */
    @Command(
            name = "lock",
            description = "See who holds the locks of tasks and DAGs.",
            footer = {ServerAction.EXAMPLES, "  orrery lock list"})
    static final class Lock extends Group {
        Lock(Context context) {
            super(context);
        }
    }

    /** Queues. */
    @Command(
            name = "queue",
            description = "See, weigh, limit, pause and resume queues.",
            footer = {
                ServerAction.EXAMPLES,
                "  orrery queue list",
                "  orrery queue set mail --max-running 20 --rate 100/1m"
            })
    static final class Queue extends Group {
        Queue(Context context) {
            super(context);
        }
    }

    /** Limits of keys. */
    @Command(
            name = "limit",
            description = "See and set how many tasks with the same key run at a time.",
            footer = {ServerAction.EXAMPLES, "  orrery limit set 'customer-*' --max-running 2"})
    static final class Limit extends Group {
        Limit(Context context) {
            super(context);
        }
    }

    /** Tenants. */
    @Command(
            name = "tenant",
            description = "Make, list and delete those who share the installation.",
            footer = {
                ServerAction.EXAMPLES,
                "  orrery tenant create acme",
                "  orrery dag apply hello.yaml --tenant acme",
                "  orrery tenant list"
            })
    static final class Tenant extends Group {
        Tenant(Context context) {
            super(context);
        }
    }

    /** Who changed what. */
    @Command(
            name = "audit",
            description = "See who changed what through the API.",
            footer = {
                ServerAction.EXAMPLES,
                "  orrery audit list",
                "  orrery audit list --kind queue --resource default"
            })
    static final class Audit extends Group {
        Audit(Context context) {
            super(context);
        }
    }

    /** The nodes as one. */
    @Command(
            name = "cluster",
            description = "See which nodes there are and how they are, and take one out of work.",
            footer = {ServerAction.EXAMPLES, "  orrery cluster status", "  orrery cluster drain node-2"})
    static final class Cluster extends Group {
        Cluster(Context context) {
            super(context);
        }
    }

    /** Workers. */
    @Command(
            name = "worker",
            description = "See who executes tasks.",
            footer = {ServerAction.EXAMPLES, "  orrery worker list"})
    static final class Worker extends Group {
        Worker(Context context) {
            super(context);
        }
    }
}
