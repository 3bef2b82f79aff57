/**
 * The first step of {@code java -jar}: compiled for Java 8, so that it loads on whatever Java stands first on the path.
 *
 * <p>Under a Java that is new enough it calls the program in the same process. Under an older one it looks for a newer,
 * starts the program there as its child, and from then on only stands in between: signals go down, the exit code comes
 * up, standard streams are shared. The child watches its launcher and ends at once when it is gone, however it went.
 */
package dev.orrery.launcher;
