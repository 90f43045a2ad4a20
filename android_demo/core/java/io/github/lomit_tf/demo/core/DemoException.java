package io.github.lomit_tf.demo.core;

/** A failure that the person is told of, by its kind. */
public final class DemoException extends Exception {
    private static final long serialVersionUID = 1L;

    /** What went wrong; the UI has a text for each. */
    public enum Kind { PICTURE_UNREADABLE, PICTURE_TOO_LARGE, OUT_OF_MEMORY, MODEL_UNUSABLE, NOT_SAVED, UNEXPECTED }

    public final Kind kind;

    public DemoException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public DemoException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }
}
