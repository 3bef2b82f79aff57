/** Who is there and who may work: a node's registration and its heartbeat. Ownership of work is the database's word alone. */
@NullMarked
package dev.orrery.coordination;

import org.jspecify.annotations.NullMarked;
