package io.github.lomit_tf.demo.core;

import java.util.List;

/** Finds faces; Framing makes windows of what it finds. */
public interface FaceFinder {
    /** The faces of an upright picture, the largest first; beside a large one others may be left out. @throws DemoException if it cannot look. */
    List<Face> find(Picture picture) throws DemoException;
}
