/** DAGs, their tasks and edges, and the runs that execute them. */
@NullMarked
package dev.orrery.domain.dag;

import org.jspecify.annotations.NullMarked;
