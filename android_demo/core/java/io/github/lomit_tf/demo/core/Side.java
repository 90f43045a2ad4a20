package io.github.lomit_tf.demo.core;

/** Which of the two pictures. */
public enum Side {
    /** The picture to translate. */
    INPUT,
    /** The picture that gives the style. */
    EXEMPLAR;

    public Side other() {
        return this == INPUT ? EXEMPLAR : INPUT;
    }
}
