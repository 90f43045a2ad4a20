package lomit.demo.core;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The strokes that change one picture's masks, with undo and redo. */
public final class MaskEdits {
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

    /** The network's masks (0..1) with the strokes drawn onto them; a copy, of the same size. */
    public Planes drawnOn(Planes masks) {
        Planes edited = new Planes(masks.width, masks.height, masks.channels, masks.values.clone());
        for (Stroke stroke : strokes.subList(0, made)) {
            if (stroke.group < masks.channels) {
                stroke.draw(edited);
            }
        }
        return edited;
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
