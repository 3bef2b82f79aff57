/** Who changes something through the API, and from where. */
@NullMarked
package dev.orrery.domain.audit;

import org.jspecify.annotations.NullMarked;
