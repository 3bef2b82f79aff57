/**
 * The command line: {@link dev.orrery.cli.Main} runs one of the commands in {@link dev.orrery.cli.command}.
 *
 * <p>A command that only asks a node must have answered before one notices that a JVM was started. So nothing on its way
 * loads Vert.x, the logging backend or an object mapper, and of all commands only the one that is named is built.
 */
@NullMarked
package dev.orrery.cli;

import org.jspecify.annotations.NullMarked;
