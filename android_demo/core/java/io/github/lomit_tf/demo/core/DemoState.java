package io.github.lomit_tf.demo.core;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/**
 * What the screen shows, without Android: which pictures are chosen, how their masks are edited, what is going on.
 *
 * Not safe for threads: the UI thread owns it. Work done elsewhere names the run it was started for, and what a run
 * brings that is not the current one is dropped. `snapshot` outlives rotation and the process's death.
 */
public final class DemoState {
    /** PICKING: a picture lacks. READY: both are there. The result of DONE belongs to what is chosen now. */
    public enum Phase { PICKING, READY, TRANSLATING, DONE, ERROR }

    private static final int VERSION = 3;

    private Phase phase = Phase.PICKING;
    private final String[] uris = {"", ""}; // by the sides' ordinals, as the edits
    private final MaskEdits[] edits = {new MaskEdits(), new MaskEdits()};
    private boolean[] chosen = new boolean[0];
    private int run;
    private String result = "";
    private long milliseconds;
    private DemoException.Kind error;

    public Phase phase() {
        return phase;
    }

    /** Where a picture lies, a URI; an exemplar's may be a colour (ColourStyle); empty without one. */
    public String uri(Side side) {
        return uris[side.ordinal()];
    }

    /** The strokes on a picture's masks. */
    public MaskEdits edits(Side side) {
        return edits[side.ordinal()];
    }

    /** Whether a group is to be transferred; all are at first. */
    public boolean chosen(int group) {
        return group >= chosen.length || chosen[group];
    }

    /** For each group that was ever chosen or left out; those beyond its end are chosen. */
    public boolean[] chosen() {
        return chosen.clone();
    }

    /** Chooses a group or leaves it out. */
    public void choose(int group, boolean transfer) {
        if (chosen(group) == transfer) {
            return;
        }
        boolean[] more = new boolean[Math.max(chosen.length, group + 1)];
        for (int i = 0; i < more.length; i++) {
            more[i] = chosen(i);
        }
        more[group] = transfer;
        chosen = more;
        changed();
    }

    /** Where the result lies; empty without one. */
    public String result() {
        return result;
    }

    /** How long the last translation took. */
    public long milliseconds() {
        return milliseconds;
    }

    /** What failed; null in every phase but ERROR. */
    public DemoException.Kind error() {
        return error;
    }

    /** Takes another picture: its edits start anew, and a translation that runs is dropped. */
    public void pick(Side side, String uri) {
        uris[side.ordinal()] = uri;
        edits[side.ordinal()] = new MaskEdits();
        changed();
    }

    private boolean complete() {
        return !uri(Side.INPUT).isEmpty() && !uri(Side.EXEMPLAR).isEmpty();
    }

    /** To be called after any change of the edits: a result or failure no longer belongs to what is chosen. */
    public void changed() {
        run++;
        result = "";
        error = null;
        phase = complete() ? Phase.READY : Phase.PICKING;
    }

    /**
     * Starts a translation.
     *
     * @return the run's number, to be given back with its result; -1 where there is nothing to start.
     */
    public int start() {
        if (!complete() || phase == Phase.TRANSLATING) {
            return -1;
        }
        run++;
        result = "";
        error = null;
        phase = Phase.TRANSLATING;
        return run;
    }

    /** Whether this run is the current one: neither cancelled nor of pictures that are chosen no more. */
    public boolean isCurrent(int number) {
        return phase == Phase.TRANSLATING && number == run;
    }

    public void cancel() {
        if (phase == Phase.TRANSLATING) {
            changed();
        }
    }

    /** Takes a run's result. @return false if it is not the current one, and nothing changed. */
    public boolean finish(int number, String uri, long took) {
        if (!isCurrent(number)) {
            return false;
        }
        result = uri;
        milliseconds = took;
        phase = Phase.DONE;
        return true;
    }

    /** Takes a run's failure. @return false if it is not the current one, and nothing changed. */
    public boolean fail(int number, DemoException.Kind kind) {
        if (!isCurrent(number)) {
            return false;
        }
        error(kind);
        return true;
    }

    /** A failure outside of a translation: a picture that cannot be read, a model that does not load. */
    public void error(DemoException.Kind kind) {
        run++;
        error = kind;
        result = "";
        phase = Phase.ERROR;
    }

    /** All of it as bytes. A translation that runs is not in it: `restore` finds the state READY. */
    public byte[] snapshot() {
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bytes);
            out.writeInt(VERSION);
            out.writeUTF((phase == Phase.TRANSLATING ? Phase.READY : phase).name());
            for (Side side : Side.values()) {
                out.writeUTF(uri(side));
                edits(side).write(out);
            }
            out.writeInt(chosen.length);
            for (boolean one : chosen) {
                out.writeBoolean(one);
            }
            out.writeInt(run);
            out.writeUTF(result);
            out.writeLong(milliseconds);
            out.writeUTF(error == null ? "" : error.name());
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new IllegalStateException(e); // memory does not fail so
        }
    }

    /** @return the state of a snapshot; a new one if the bytes are null, damaged or of another version. */
    public static DemoState restore(byte[] snapshot) {
        if (snapshot == null) {
            return new DemoState();
        }
        try {
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(snapshot));
            if (in.readInt() != VERSION) {
                return new DemoState();
            }
            DemoState state = new DemoState();
            state.phase = Phase.valueOf(in.readUTF());
            for (int side = 0; side < state.uris.length; side++) {
                state.uris[side] = in.readUTF();
                state.edits[side] = MaskEdits.read(in);
            }
            state.chosen = new boolean[in.readInt()];
            for (int i = 0; i < state.chosen.length; i++) {
                state.chosen[i] = in.readBoolean();
            }
            state.run = in.readInt();
            state.result = in.readUTF();
            state.milliseconds = in.readLong();
            String error = in.readUTF();
            state.error = error.isEmpty() ? null : DemoException.Kind.valueOf(error);
            return state;
        } catch (IOException | IllegalArgumentException | NegativeArraySizeException damaged) {
            return new DemoState();
        }
    }
}
