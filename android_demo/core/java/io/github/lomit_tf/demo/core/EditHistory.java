package io.github.lomit_tf.demo.core;

/** Undo and redo over both pictures: on the one that was painted on last, else on the other one. */
public final class EditHistory {
    private final DemoState state;
    private Side last = Side.INPUT;

    public EditHistory(DemoState state) {
        this.state = state;
    }

    /** Adds a stroke to a picture's masks. */
    public void paint(Side side, Stroke stroke) {
        last = side;
        state.edits(side).add(stroke);
        state.changed();
    }

    /** Whether there is something to undo (back) or to redo. */
    public boolean canStep(boolean back) {
        return canStep(last, back) || canStep(last.other(), back);
    }

    private boolean canStep(Side side, boolean back) {
        return back ? state.edits(side).canUndo() : state.edits(side).canRedo();
    }

    /** Undoes or redoes a stroke. @return the picture whose masks are others now; null where there was nothing to do. */
    public Side step(boolean back) {
        Side side = canStep(last, back) ? last : last.other();
        if (!canStep(side, back)) {
            return null;
        }
        if (back) {
            state.edits(side).undo();
        } else {
            state.edits(side).redo();
        }
        state.changed();
        return side;
    }
}
