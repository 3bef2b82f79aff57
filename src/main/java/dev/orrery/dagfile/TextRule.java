package dev.orrery.dagfile;

import dev.orrery.domain.LockName;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskDraft;
import dev.orrery.domain.task.SecretReferences;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * What a text must look like.
 *
 * @param code of the problem where it does not
 * @param demand continues the sentence that begins with the field's name
 */
record TextRule(ProblemCode code, Predicate<String> rule, String demand, String help) {

    private static final int MAX_PATH_LENGTH = 4_096;
    private static final Pattern HEADER_NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,255}");
    private static final int LAST_OF_LATIN_1 = 0xFF;
    private static final Pattern HANDLER = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,254}");
    private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,254}");

    /** What the node itself tells every task. */
    static final Set<String> OWN_VARIABLES = Set.of(
            "ORRERY_API",
            "ORRERY_TENANT",
            "ORRERY_DAG_ID",
            "ORRERY_DAG_NAME",
            "ORRERY_RUN_ID",
            "ORRERY_TASK_ID",
            "ORRERY_TASK_INSTANCE_ID",
            "ORRERY_ATTEMPT",
            "ORRERY_FENCE",
            "ORRERY_LOCK_FENCE",
            "ORRERY_RUN_DIR",
            "ORRERY_INPUTS",
            "ORRERY_PARAMS",
            "ORRERY_OUTPUT");

    static final TextRule ANY = new TextRule(ProblemCode.WRONG_TYPE, _ -> true, "", "");

    static final TextRule NOT_BLANK = new TextRule(
            ProblemCode.BLANK_TEXT, text -> !text.isBlank(), "must not be blank", "write what is to be run");

    /** A value in which secrets may be named. */
    static final TextRule WITH_SECRETS = new TextRule(
            ProblemCode.BAD_SECRET,
            SecretReferences::areWhole,
            "has a reference to a secret that is not whole",
            "write ${{ secrets.NAME }}, with a NAME of up to 64 letters, digits and '_'");

    static final TextRule NAME = new TextRule(
            ProblemCode.BAD_NAME,
            TaskDefinition::isName,
            "must have 1 to 255 characters, one of them visible and none of them a control character",
            "write a short name on one line");

    /** What other systems call things by: any writing, on one line. */
    static final TextRule LABEL = new TextRule(
            ProblemCode.BAD_NAME,
            TaskDefinition::isName,
            "must have 1 to 255 characters, one of them visible and none of them a control character",
            "shorten it, or send a digest of it");

    static final TextRule TAG = new TextRule(
            ProblemCode.BAD_NAME,
            text -> TaskDefinition.isName(text) && text.codePointCount(0, text.length()) <= TaskDraft.MAX_TAG_LENGTH,
            "must have 1 to " + TaskDraft.MAX_TAG_LENGTH
                    + " characters, one of them visible and none of them a control character",
            "write a short word");

    static final TextRule ID = new TextRule(
            ProblemCode.BAD_ID,
            text -> TaskId.FORM.matcher(text).matches(),
            "must be 1 to 255 of the characters A-Z a-z 0-9 _ . - and begin with a letter, a digit or '_'",
            "choose such an id and put what people read into 'name'");

    static final TextRule QUEUE = new TextRule(
            ProblemCode.BAD_QUEUE,
            text -> TaskDefinition.QUEUE_FORM.matcher(text).matches(),
            "must be 1 to 64 of the characters A-Z a-z 0-9 _ . -",
            "leave it out to use the queue 'default'");

    static final TextRule LOCK = new TextRule(
            ProblemCode.BAD_LOCK,
            text -> LockName.FORM.matcher(text).matches(),
            "must be 1 to 64 of the characters A-Z a-z 0-9 _ . -",
            "choose such a name; who writes the same one waits for each other");

    static final TextRule PATH = new TextRule(
            ProblemCode.BAD_PATH,
            text -> !text.isBlank() && text.length() <= MAX_PATH_LENGTH,
            "must be a path of 1 to " + MAX_PATH_LENGTH + " characters",
            "write a path on the node, relative to tasks.directory or absolute");

    static final TextRule HANDLER_NAME = new TextRule(
            ProblemCode.BAD_HANDLER,
            text -> HANDLER.matcher(text).matches(),
            "must be 1 to 255 of the characters A-Z a-z 0-9 _ . : / - and begin with a letter, a digit or '_'",
            "built in are noop, echo, sleep and log");

    static final TextRule METHOD = new TextRule(
            ProblemCode.BAD_METHOD,
            Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")::contains,
            "must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            "write it in capital letters");

    static final TextRule URL = new TextRule(
            ProblemCode.BAD_URL,
            Urls::isUrl,
            "must be an http or https URL with a host",
            "write it like https://example.org/path or ${ORRERY_API}/runs; encode other characters as %20");

    static final TextRule HEADER = new TextRule(
            ProblemCode.BAD_HEADER,
            text -> HEADER_NAME.matcher(text).matches(),
            "is no header name",
            "use letters, digits and '-'");

    static final TextRule HEADER_VALUE = new TextRule(
            ProblemCode.BAD_HEADER,
            text -> text.chars().allMatch(c -> c == '\t' || (c >= ' ' && c != 0x7F && c <= LAST_OF_LATIN_1)),
            "must be one line of ISO-8859-1 without control characters",
            "write it on one line ('|' leaves a line end behind it, '|-' does not) and encode other characters as %20");

    static final TextRule VARIABLE_NAME = new TextRule(
            ProblemCode.BAD_VARIABLE,
            text -> VARIABLE.matcher(text).matches() && !OWN_VARIABLES.contains(text),
            "is no name for a variable: it holds other characters than A-Z a-z 0-9 _, begins with a digit, is too long,"
                    + " or is one that the node sets itself",
            "choose another name, of up to 255 letters, digits and '_'");

    boolean allows(String text) {
        return rule.test(text);
    }
}
