/** What is done from time to time by one node alone: so far, clearing away what nobody needs any more. */
@NullMarked
package dev.orrery.engine.scheduler;

import org.jspecify.annotations.NullMarked;
