package io.github.lomit_tf.demo.core;

/** What the model sees of a picture, and the masks found in it; about a megabyte. Made by `Translator.view`. */
public final class ModelView {
    /** Side of a preview. */
    public static final int PREVIEW = 384;

    public final Framing.Frame frame;
    /** What the model sees, larger than the model sees it: PREVIEW x PREVIEW. */
    public final Picture preview;
    /** size x size x 3, in -1..1. */
    final Planes pixels;
    /** size x size x groups, 0..1. */
    public final Planes masks;

    ModelView(Framing.Frame frame, Picture preview, Planes pixels, Planes masks) {
        this.frame = frame;
        this.preview = preview;
        this.pixels = pixels;
        this.masks = masks;
    }
}
