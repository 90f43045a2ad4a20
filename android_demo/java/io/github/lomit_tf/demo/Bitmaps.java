package io.github.lomit_tf.demo;

import android.content.Context;
import android.graphics.Bitmap;
import io.github.lomit_tf.demo.core.ColourStyle;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.Framing;
import io.github.lomit_tf.demo.core.MaskEdits;
import io.github.lomit_tf.demo.core.ModelView;
import io.github.lomit_tf.demo.core.Planes;
import io.github.lomit_tf.demo.core.Side;

/** What the screen shows of a session: both pictures with their masks, and the pictures before and after. */
final class Bitmaps {
    /** One of the two pictures. */
    static final class SidePicture {
        String uri = "";
        Bitmap bitmap;
        /** With all finished strokes; null while they are not known, and for a colour. */
        Planes masks;
        Framing.Note note;
        private int request;
    }

    private static final int SWATCH = 64; // side of a colour's picture

    Bitmap before;
    Bitmap after;
    private final Session session;
    private final Work work;
    private final Context context;
    private final SidePicture input = new SidePicture();
    private final SidePicture exemplar = new SidePicture();
    private String compared = "";

    Bitmaps(Session session, Work work, Context context) {
        this.session = session;
        this.work = work;
        this.context = context;
    }

    SidePicture of(Side side) {
        return side == Side.INPUT ? input : exemplar;
    }

    /** Finds the masks of a picture, and draws the strokes onto them. */
    void load(Side side) {
        final SidePicture shown = of(side);
        final String uri = session.state.uri(side);
        final int request = ++shown.request;
        if (!uri.equals(shown.uri)) {
            shown.uri = uri;
            shown.bitmap = null;
            shown.masks = null;
            shown.note = null;
        }
        if (ColourStyle.isOne(uri)) {
            shown.bitmap = Bitmap.createBitmap(SWATCH, SWATCH, Bitmap.Config.ARGB_8888);
            shown.bitmap.eraseColor(0xff000000 | ColourStyle.parse(uri).rgb);
            session.changed();
        } else if (!uri.isEmpty()) {
            look(shown, uri, session.state.edits(side).copy(), request);
        }
    }

    private void look(final SidePicture shown, final String uri, final MaskEdits edits, final int request) {
        final boolean known = shown.bitmap != null;
        work.start(session.new StateTask<Planes>() {
            private ModelView view;
            private Bitmap bitmap;

            @Override
            public Planes compute() throws DemoException {
                view = work.view(uri);
                bitmap = known ? null : Pictures.bitmap(view.preview);
                return edits.drawnOn(view.masks, work.overlapping());
            }

            @Override
            public void done(Planes masks) {
                if (uri.equals(shown.uri) && bitmap != null) {
                    shown.bitmap = bitmap;
                    shown.note = view.frame.note;
                }
                if (request == shown.request) { // else the strokes are others already, and another answer follows
                    shown.masks = masks;
                }
                session.changed();
            }

            @Override
            public void failed(DemoException.Kind kind) {
                if (request == shown.request) {
                    super.failed(kind);
                }
            }
        });
    }

    /** Reads the result and what it was made of, at the screen's size. */
    void compare() {
        final String uri = session.state.result();
        if (uri.equals(compared)) {
            return;
        }
        compared = uri;
        before = null;
        after = null;
        if (uri.isEmpty()) {
            return;
        }
        final String old = session.state.uri(Side.INPUT);
        work.start(session.new StateTask<Bitmap>() {
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
                    session.changed();
                }
            }
        });
    }
}
