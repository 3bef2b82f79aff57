/** Task instances: states and how one leads to another, attempts and what becomes of them, urgency. */
@NullMarked
package dev.orrery.domain.task;

import org.jspecify.annotations.NullMarked;
