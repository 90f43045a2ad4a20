package io.github.lomit_tf.demo.core;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The strokes that change one picture's masks, with undo and redo. */
public final class MaskEdits {
    private static final float LEAST_SHARE = 1e-6f;

    private final List<Stroke> strokes = new ArrayList<Stroke>();
    private int made;

    /** Adds a stroke; what was undone before it cannot be redone any more. */
    public void add(Stroke stroke) {
        strokes.subList(made, strokes.size()).clear();
        strokes.add(stroke);
        made++;
    }

    /** Another list of the same strokes, for another thread. */
    public MaskEdits copy() {
        MaskEdits copy = new MaskEdits();
        copy.strokes.addAll(strokes);
        copy.made = made;
        return copy;
    }

    public boolean canUndo() {
        return made > 0;
    }

    public boolean canRedo() {
        return made < strokes.size();
    }

    /** Takes the last stroke back, if there is one. */
    public void undo() {
        made = Math.max(0, made - 1);
    }

    public void redo() {
        made = Math.min(strokes.size(), made + 1);
    }

    /** Which of so many groups have strokes, and stay as they were drawn. */
    public boolean[] drawn(int groups) {
        boolean[] drawn = new boolean[groups];
        for (Stroke stroke : strokes.subList(0, made)) {
            if (stroke.group < groups) {
                drawn[stroke.group] = true;
            }
        }
        return drawn;
    }

    /**
     * The network's masks (0..1) with the strokes drawn onto them; a copy, of the same size. A group with strokes stays
     * as it was drawn; the others, and the background, share what is left of each place in their own proportions.
     */
    public Planes drawnOn(Planes masks) {
        return drawnOn(masks, new boolean[masks.channels]);
    }

    /**
     * The same where some groups are apart: they take nothing from others and lose nothing to them, as a smile that lies
     * on the lips (`ModelDescription.isOverlapping`).
     */
    public Planes drawnOn(Planes masks, boolean[] apart) {
        Planes edited = new Planes(masks.width, masks.height, masks.channels, masks.values.clone());
        boolean[] given = new boolean[masks.channels];
        for (Stroke stroke : strokes.subList(0, made)) {
            if (stroke.group < masks.channels) {
                stroke.draw(edited);
                given[stroke.group] = true;
            }
        }
        for (int i = 0; i < masks.values.length; i += masks.channels) {
            share(masks.values, edited.values, i, given, apart);
        }
        return edited;
    }

    /**
     * Lets the groups that were not given share what the given ones leave of one place (lomit_tf/imaging/given_masks.py,
     * `replace`). The background is what all groups leave of 1, and has no channel of its own.
     */
    static void share(float[] masks, float[] edited, int place, boolean[] given, boolean[] apart) {
        boolean same = true;
        float drawn = 0f;
        float others = 0f;
        float all = 0f;
        for (int g = 0; g < given.length; g++) {
            if (apart[g]) {
                continue;
            }
            same &= edited[place + g] == masks[place + g];
            drawn += given[g] ? edited[place + g] : 0f;
            others += given[g] ? 0f : masks[place + g];
            all += masks[place + g];
        }
        if (same) {
            return;
        }
        others += Math.max(0f, 1f - all); // the background's share
        float left = Math.max(0f, 1f - drawn);
        float factor = others > LEAST_SHARE ? left / others : 0f;
        for (int g = 0; g < given.length; g++) {
            if (!apart[g]) {
                edited[place + g] = given[g] ? edited[place + g] / Math.max(1f, drawn) : masks[place + g] * factor;
            }
        }
    }

    void write(DataOutputStream out) throws IOException {
        out.writeInt(made);
        out.writeInt(strokes.size());
        for (Stroke stroke : strokes) {
            stroke.write(out);
        }
    }

    static MaskEdits read(DataInputStream in) throws IOException {
        MaskEdits edits = new MaskEdits();
        int made = in.readInt();
        for (int left = in.readInt(); left > 0; left--) {
            edits.strokes.add(Stroke.read(in));
        }
        if (made < 0 || made > edits.strokes.size()) {
            throw new IOException("of " + edits.strokes.size() + " strokes " + made + " are made");
        }
        edits.made = made;
        return edits;
    }
}
