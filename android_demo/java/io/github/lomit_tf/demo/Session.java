package io.github.lomit_tf.demo;

import android.content.Context;
import android.net.Uri;
import io.github.lomit_tf.demo.core.ColourStyle;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.DemoState;
import io.github.lomit_tf.demo.core.EditHistory;
import io.github.lomit_tf.demo.core.Exemplar;
import io.github.lomit_tf.demo.core.MaskEdits;
import io.github.lomit_tf.demo.core.ModelDescription;
import io.github.lomit_tf.demo.core.ModelView;
import io.github.lomit_tf.demo.core.Picture;
import io.github.lomit_tf.demo.core.Side;
import io.github.lomit_tf.demo.core.Stroke;
import java.io.IOException;

/** A DemoState and the work for it. Outlives a rotation; after the process's death another one is made of a snapshot. */
final class Session {
    /** What shows it; there is none while the activity is made anew. */
    interface Listener {
        /** The state, or a side's picture or masks, or the compared pictures are others now. */
        void changed();

        void say(int text);
    }

    final DemoState state;
    final EditHistory history;
    final Bitmaps bitmaps;
    /** Null until the model is loaded. */
    ModelDescription model;
    /** What the model was trained on, as model.properties has it. */
    String dataset = "";
    private final Context context;
    private final Work work;
    private final ResultFiles files;
    private Listener listener;

    Session(Context context, byte[] snapshot) {
        this.context = context.getApplicationContext();
        work = new Work(context);
        state = DemoState.restore(snapshot);
        history = new EditHistory(state);
        bitmaps = new Bitmaps(this, work, this.context);
        files = new ResultFiles(this, work, this.context);
        describeModel();
        bitmaps.load(Side.INPUT);
        bitmaps.load(Side.EXEMPLAR);
        bitmaps.compare();
        files.clean();
    }

    void attach(Listener shown) {
        listener = shown;
    }

    void close() {
        work.close();
    }

    void changed() {
        if (listener != null) {
            listener.changed();
        }
    }

    void say(int text) {
        if (listener != null) {
            listener.say(text);
        }
    }

    /** Work whose failure belongs to the state, not to a translation. */
    abstract class StateTask<T> implements Work.Task<T> {
        @Override
        public void failed(DemoException.Kind kind) {
            state.error(kind);
            changed();
        }
    }

    /** Loads the model, so that the screen can say what it is for and which groups it has. */
    private void describeModel() {
        work.start(new StateTask<ModelDescription>() {
            private String data;

            @Override
            public ModelDescription compute() throws DemoException {
                ModelDescription found = work.translator().model;
                data = work.dataset();
                return found;
            }

            @Override
            public void done(ModelDescription found) {
                model = found;
                dataset = data;
                changed();
            }
        });
    }

    void pick(Side side, String uri) {
        state.pick(side, uri);
        bitmaps.load(side);
        edited();
    }

    void paint(Side side, Stroke stroke) {
        history.paint(side, stroke);
        bitmaps.load(side);
        edited();
    }

    void step(boolean back) {
        Side side = history.step(back);
        if (side != null) {
            bitmaps.load(side);
            edited();
        }
    }

    void choose(int group, boolean transfer) {
        state.choose(group, transfer);
        edited();
    }

    void cancel() {
        state.cancel();
        changed();
    }

    void save(Uri target) {
        files.save(target);
    }

    private void edited() {
        bitmaps.compare();
        changed();
    }

    void translate() {
        final int run = state.start();
        edited();
        if (run < 0) {
            return;
        }
        final String input = state.uri(Side.INPUT);
        final String star = state.uri(Side.EXEMPLAR);
        final MaskEdits inputEdits = state.edits(Side.INPUT).copy();
        final MaskEdits exemplarEdits = state.edits(Side.EXEMPLAR).copy();
        final boolean[] chosen = state.chosen();
        work.start(new Work.Task<String>() {
            private long took;

            @Override
            public String compute() throws DemoException, IOException {
                long start = System.nanoTime();
                Exemplar exemplar = ColourStyle.isOne(star) ? Exemplar.of(ColourStyle.parse(star))
                        : Exemplar.of(work.view(star), exemplarEdits);
                Picture picture = Pictures.read(context, input);
                ModelView view = work.view(input, picture);
                Picture made = work.translator().translate(picture, view, inputEdits, exemplar, chosen);
                took = (System.nanoTime() - start) / 1000000;
                return files.keep(made);
            }

            @Override
            public void done(String uri) {
                state.finish(run, uri, took);
                files.clean();
                edited();
            }

            @Override
            public void failed(DemoException.Kind kind) {
                state.fail(run, kind);
                changed();
            }
        });
    }
}
