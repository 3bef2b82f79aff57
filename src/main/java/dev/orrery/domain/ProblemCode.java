package dev.orrery.domain;

/**
 * Every kind of problem that the details of an error and {@code dag validate} name, with what causes it and what to do about
 * it. The page {@code /docs/errors} and the table of the guide are made from here.
 */
public enum ProblemCode {
    PARSE_ERROR(
            "The file is no YAML in UTF-8, or holds what DAG files may not: tags, anchors, aliases, merge keys, a second document, too much depth, too many values, a text over 100 KiB.",
            "Check indentation, quotes and brackets before the place; write values out where they are needed."),
    MALFORMED_JSON("The body is no JSON.", "Mend the place; a JSON library writes what can be read."),
    FILE_TOO_LARGE("The DAG file is over 1 MiB.", "Put long programs into files on the node, or split the DAG."),
    EMPTY_FILE("The DAG file says nothing.", "Begin with what 'orrery dag new NAME' prints."),
    TOO_MANY_PROBLEMS("There are more problems than are shown.", "Mend those that are shown first."),
    UNKNOWN_FIELD("No field or parameter of this name belongs here.", "Take the name that the help suggests."),
    MISSING_FIELD("A field or parameter that is needed is not there.", "Add it."),
    CONFLICTING_FIELDS("Two fields exclude each other.", "Remove one of them."),
    DUPLICATE_KEY("A key stands twice in one mapping.", "Remove one of the two."),
    DUPLICATE_PARAMETER("A parameter or a header is given more than once.", "Give it once."),
    WRONG_TYPE("The value is of another type than is expected.", "Write a value of the type that the message names."),
    INVALID_VALUE("The value has not the form that is expected.", "Write it as the contract says."),
    OUT_OF_RANGE(
            "A number, a length or a count is beyond its limits.", "Stay within the range that the message names."),
    AMBIGUOUS_VALUE(
            "A number begins with a zero, which some readers take as octal.",
            "Put a text in quotes; write a number without the zero."),
    NOT_JSON("The value has no form in JSON, such as .nan.", "Put it in quotes, or write another value."),
    BAD_CHARACTER(
            "The text holds a character that cannot be stored: NUL, or half of a surrogate pair.",
            "Remove the escape that stands for it."),
    BLANK_TEXT("The text is blank where something is to be run.", "Write what is to be run."),
    BAD_NAME(
            "A name is blank, longer than 255 characters, or holds a control character.",
            "Write a short name on one line."),
    BAD_ID(
            "A task's id holds other characters than A-Z a-z 0-9 _ . - or begins with one of . -.",
            "Choose such an id; 'name' is for people."),
    BAD_QUEUE("A queue's name holds other characters than A-Z a-z 0-9 _ . - or more than 64.", "Choose such a name."),
    BAD_LOCK("A lock's name holds other characters than A-Z a-z 0-9 _ . - or more than 64.", "Choose such a name."),
    LOCK_WITHIN_ITSELF(
            "A task wants the lock that its own DAG holds while it runs: it would wait for itself.",
            "Remove the lock from the task, or from the DAG, or give one of them another name."),
    BAD_PATH("A path is blank or too long.", "Write a path on the node, absolute or relative to tasks.directory."),
    BAD_HANDLER("A handler's name has a form that no handler has.", "Built in are noop, echo, sleep and log."),
    BAD_METHOD("The HTTP method is none that tasks may use.", "Take GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS."),
    BAD_URL("This is no http or https URL with a host.", "Write it like https://example.org/path."),
    BAD_HEADER(
            "This is no name, or no value, of an HTTP header.",
            "Use letters, digits and '-'; write values on one line."),
    BAD_VARIABLE("This is no name for a variable, or one that the node sets itself.", "Choose another name."),
    BAD_SECRET(
            "A reference to a secret is not whole, or stands where none is taken.",
            "Write ${{ secrets.NAME }}, and only in 'env', in 'headers' and in 'body'."),
    BAD_DURATION("This is no duration, or a number without a unit.", "Write it like 10ms, 30s, 5m, 1h30m or 2d."),
    BAD_CRON("This is no cron expression that is taken.", "Write it like '0 2 * * *' or @daily."),
    BAD_EXPRESSION(
            "This is no expression that is taken: it cannot be read, names what is not there, or gives the wrong type.",
            "Mend it at the line and column that the message names; the page about events shows what there is."),
    BAD_TIMEZONE("No time zone has this name.", "Write a name such as Europe/Berlin or UTC."),
    BAD_CURSOR("The cursor was not handed out by this list.", "Pass on 'nextCursor' as it was answered."),
    UNKNOWN_TYPE("There is no such type of task.", "Take shell, python, http, handler or agent."),
    NO_TASKS("The DAG has no task.", "Write at least one under 'tasks:'."),
    TOO_MANY_TASKS("The DAG has more than 10,000 tasks.", "Split it, or give one task more to do."),
    TOO_MANY_DEPENDENCIES(
            "A task has more than 1,000 dependencies, or the DAG more than 50,000.",
            "Put tasks between that gather what many others wait for."),
    DUPLICATE_ID("Two tasks have one id.", "Give one of them another id."),
    DUPLICATE_DEPENDENCY("A dependency stands twice.", "Remove one of the two."),
    UNKNOWN_DEPENDENCY("A dependency names no task of this file.", "Name the id of another task."),
    SELF_DEPENDENCY("A task depends on itself.", "Remove this dependency."),
    CYCLE(
            "Tasks wait for each other in a circle, which the message spells out.",
            "Remove one dependency of the circle."),
    NAME_EXISTS("A DAG of this name exists; the path is its id.", "Publish a new version of it with PUT.");

    private final String cause;
    private final String cure;

    ProblemCode(String cause, String cure) {
        this.cause = cause;
        this.cure = cure;
    }

    public String cause() {
        return cause;
    }

    public String cure() {
        return cure;
    }
}
