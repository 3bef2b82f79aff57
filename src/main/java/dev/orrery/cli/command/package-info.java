/**
 * The commands, one class each. A command class says what it takes, calls the node or reads files, and says what came of
 * it; its exit code is one of {@link dev.orrery.cli.client.ExitCode}. {@link dev.orrery.cli.command.CommandTree} puts them together.
 */
@NullMarked
package dev.orrery.cli.command;

import org.jspecify.annotations.NullMarked;
