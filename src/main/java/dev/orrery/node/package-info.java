/** Puts a node together: builds its parts, starts them in order and stops them in reverse. */
@NullMarked
package dev.orrery.node;

import org.jspecify.annotations.NullMarked;
