/**
 * Shows runs: live while they go on, and as a report when they have ended.
 *
 * <p>{@link dev.orrery.cli.run.RunFollower} reads a run's server-sent events, comes back after a lost connection where
 * it stopped, keeps the picture in {@link dev.orrery.cli.run.RunProgress}, and tells a {@link
 * dev.orrery.cli.run.RunView}: a bar that is drawn anew on a terminal, plain lines elsewhere, JSON for programs.
 */
@NullMarked
package dev.orrery.cli.run;

import org.jspecify.annotations.NullMarked;
