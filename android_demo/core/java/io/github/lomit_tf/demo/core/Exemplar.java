package io.github.lomit_tf.demo.core;

/** Where a translation's styles come from: the regions of a picture, or a colour that is set for one group. */
public final class Exemplar {
    final ModelView view;
    final MaskEdits edits;
    final ColourStyle colour;

    private Exemplar(ModelView view, MaskEdits edits, ColourStyle colour) {
        this.view = view;
        this.edits = edits;
        this.colour = colour;
    }

    /** A picture, with the strokes that change its masks. */
    public static Exemplar of(ModelView view, MaskEdits edits) {
        return new Exemplar(view, edits, null);
    }

    /** A colour in the place of a picture. */
    public static Exemplar of(ColourStyle colour) {
        return new Exemplar(null, null, colour);
    }
}
