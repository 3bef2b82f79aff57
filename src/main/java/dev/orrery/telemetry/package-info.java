/** What the node tells about itself: {@link dev.orrery.telemetry.Metrics} lists every metric. */
@NullMarked
package dev.orrery.telemetry;

import org.jspecify.annotations.NullMarked;
