/** What goes on with dead letters by itself: requests for many of them. */
@NullMarked
package dev.orrery.engine.deadletter;

import org.jspecify.annotations.NullMarked;
