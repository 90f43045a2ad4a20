package lomit.demo;

import android.content.Context;
import android.graphics.Bitmap;
import android.net.Uri;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import lomit.demo.core.DemoException;
import lomit.demo.core.DemoState;
import lomit.demo.core.Framing;
import lomit.demo.core.MaskEdits;
import lomit.demo.core.Picture;
import lomit.demo.core.Planes;
import lomit.demo.core.Stroke;
import lomit.demo.core.Translator;

/** A DemoState and the work for it. Outlives a rotation; after the process's death another one is made of a snapshot. */
final class Session {
    /** What shows it; there is none while the activity is made anew. */
    interface Shown {
        /** The state, or a side's picture or masks, or the compared pictures are others now. */
        void changed();

        void say(int text);
    }

    /** One of the two pictures as it is shown. */
    static final class Side {
        String uri = "";
        Bitmap picture;
        Planes masks;
        Framing.Note note;
        private int asked;
    }

    final DemoState state;
    final Side photo = new Side();
    final Side exemplar = new Side();
    List<String> groups;
    String dataset = "";
    Bitmap before;
    Bitmap after;
    private final Context context;
    private final Work work;
    private Shown screen;
    private boolean lastOfInput = true;
    private String compared = "";

    Session(Context context, byte[] snapshot) {
        this.context = context.getApplicationContext();
        work = new Work(context);
        state = DemoState.restore(snapshot);
        show(true);
        show(false);
        compare();
        clean();
    }

    void attach(Shown shown) {
        screen = shown;
    }

    void close() {
        work.close();
    }

    private void changed() {
        if (screen != null) {
            screen.changed();
        }
    }

    Side side(boolean ofInput) {
        return ofInput ? photo : exemplar;
    }

    void pick(boolean ofInput, String uri) {
        if (ofInput) {
            state.pickInput(uri);
        } else {
            state.pickExemplar(uri);
        }
        show(ofInput);
        edited();
    }

    void paint(boolean ofInput, Stroke stroke) {
        lastOfInput = ofInput;
        state.edits(ofInput).add(stroke);
        state.changed();
        show(ofInput);
        edited();
    }

    /** Undoes or redoes on the picture that was painted on last, else on the other one. */
    void step(boolean back) {
        boolean ofInput = can(lastOfInput, back) ? lastOfInput : !lastOfInput;
        if (!can(ofInput, back)) {
            return;
        }
        if (back) {
            state.edits(ofInput).undo();
        } else {
            state.edits(ofInput).redo();
        }
        state.changed();
        show(ofInput);
        edited();
    }

    private boolean can(boolean ofInput, boolean back) {
        return back ? state.edits(ofInput).canUndo() : state.edits(ofInput).canRedo();
    }

    boolean canStep(boolean back) {
        return can(true, back) || can(false, back);
    }

    void choose(int group, boolean wanted) {
        state.choose(group, wanted);
        edited();
    }

    void cancel() {
        state.cancel();
        changed();
    }

    private void edited() {
        compare();
        changed();
    }

    /** Work whose failure belongs to the state, not to a translation. */
    private abstract class Showing<T> implements Work.Task<T> {
        @Override
        public void failed(DemoException.Kind kind) {
            state.error(kind);
            changed();
        }
    }

    /** Finds the masks of a picture, and draws the strokes onto them. */
    private void show(final boolean ofInput) {
        final Side side = side(ofInput);
        final String uri = ofInput ? state.input() : state.exemplar();
        final int asked = ++side.asked;
        if (!uri.equals(side.uri)) {
            side.uri = uri;
            side.picture = null;
            side.masks = null;
            side.note = null;
        }
        if (uri.isEmpty()) {
            return;
        }
        final MaskEdits edits = state.edits(ofInput).copy();
        final boolean known = side.picture != null;
        work.start(new Showing<Planes>() {
            private Translator.Seen seen;
            private Bitmap picture;
            private List<String> names;
            private String data;

            @Override
            public Planes compute() throws DemoException {
                seen = work.see(uri);
                names = work.translator().model.groups;
                data = work.dataset();
                picture = known ? null : Pictures.bitmap(seen.view);
                return edits.drawnOn(seen.masks);
            }

            @Override
            public void done(Planes masks) {
                if (uri.equals(side.uri) && picture != null) {
                    side.picture = picture;
                    side.note = seen.framed.note;
                }
                groups = names;
                dataset = data;
                if (asked == side.asked) { // else the strokes are others already, and another answer follows
                    side.masks = masks;
                }
                changed();
            }

            @Override
            public void failed(DemoException.Kind kind) {
                if (asked == side.asked) {
                    super.failed(kind);
                }
            }
        });
    }

    void translate() {
        final int run = state.start();
        edited();
        if (run < 0) {
            return;
        }
        final String input = state.input();
        final String star = state.exemplar();
        final MaskEdits inputEdits = state.inputEdits().copy();
        final MaskEdits exemplarEdits = state.exemplarEdits().copy();
        final boolean[] chosen = state.chosen();
        work.start(new Work.Task<String>() {
            private long took;

            @Override
            public String compute() throws DemoException, IOException {
                long start = System.nanoTime();
                Translator.Seen exemplarSeen = work.see(star);
                Picture picture = Pictures.read(context, input);
                Translator.Seen seen = work.see(input, picture);
                Picture made =
                        work.translator().translate(picture, seen, inputEdits, exemplarSeen, exemplarEdits, chosen);
                took = (System.nanoTime() - start) / 1000000;
                return Pictures.shared(Pictures.write(context, made, "result-" + System.currentTimeMillis() + ".png"))
                        .toString();
            }

            @Override
            public void done(String uri) {
                state.finish(run, uri, took);
                clean();
                edited();
            }

            @Override
            public void failed(DemoException.Kind kind) {
                state.fail(run, kind);
                changed();
            }
        });
    }

    /** Reads the result and what it was made of, at the screen's size. */
    private void compare() {
        final String uri = state.result();
        if (uri.equals(compared)) {
            return;
        }
        compared = uri;
        before = null;
        after = null;
        if (uri.isEmpty()) {
            return;
        }
        final String old = state.input();
        work.start(new Showing<Bitmap>() {
            private Bitmap first;

            @Override
            public Bitmap compute() throws DemoException {
                first = Pictures.sampled(context, old);
                return Pictures.sampled(context, uri);
            }

            @Override
            public void done(Bitmap made) {
                if (uri.equals(compared)) {
                    before = first;
                    after = made;
                    changed();
                }
            }
        });
    }

    void save(final Uri target) {
        final Uri result = Uri.parse(state.result());
        work.start(new Showing<Boolean>() {
            @Override
            public Boolean compute() throws DemoException {
                Pictures.copy(context, result, target);
                return true;
            }

            @Override
            public void done(Boolean saved) {
                if (screen != null) {
                    screen.say(R.string.saved);
                }
            }

            @Override
            public void failed(DemoException.Kind kind) {
                if (screen != null) {
                    screen.say(R.string.error_not_saved);
                }
            }
        });
    }

    /** Removes the app's own files that are no longer used. */
    private void clean() {
        final List<String> used = Arrays.asList(state.input(), state.exemplar(), state.result());
        work.start(new Showing<Boolean>() {
            @Override
            public Boolean compute() {
                Pictures.clean(context, used, System.currentTimeMillis());
                return true;
            }

            @Override
            public void done(Boolean cleaned) {}

            @Override
            public void failed(DemoException.Kind kind) {} // the next time again; nothing that the person did failed
        });
    }
}
