package io.github.lomit_tf.demo.core;

import java.util.List;
import java.util.Properties;

/** Which part of a picture the model sees, as lomit_tf/imaging/framing.py: a face framed as CelebA's, else the centre. */
public final class Framing {
    /** Of a face's window, in pixels: below it there is too little to see. */
    static final int LEAST_SIDE = 32;

    /** What to tell the person of a framing. */
    public enum Note { FACE, SEVERAL_FACES, NO_FACE, FACE_TOO_SMALL, CENTRE }

    /** The models' own kind of pictures: photographs of faces, or others, of which the centre is taken. */
    private final boolean faces;
    private final double zoom;

    public Framing(boolean faces, double zoom) {
        this.faces = faces;
        this.zoom = zoom;
    }

    /** Of model.properties (tools/android/assets.py): faces=true or false, zoom=1. Without them faces are looked for. */
    public static Framing of(Properties model) {
        double zoom;
        try {
            zoom = Double.parseDouble(model.getProperty("zoom", "1"));
        } catch (NumberFormatException e) {
            zoom = 1;
        }
        return new Framing(!"false".equals(model.getProperty("faces")), zoom > 0 && zoom <= 1 ? zoom : 1);
    }

    /** A window, and why it is that one. */
    public static final class Frame {
        public final Window window;
        public final Note note;

        public Frame(Window window, Note note) {
            this.window = window;
            this.note = note;
        }

        /** Whether a face was looked for and none is framed. */
        boolean isWithoutFace() {
            return note == Note.NO_FACE || note == Note.FACE_TOO_SMALL;
        }

        /** Whether it frames a face as CelebA does, of which alone it is known where hair lies. */
        boolean isOfFace() {
            return note == Note.FACE || note == Note.SEVERAL_FACES;
        }
    }

    /**
     * The window of the largest face; the largest centred square where there is none, it is too small, or the model knows
     * no faces.
     *
     * @throws DemoException if the finder cannot look.
     */
    public Frame frame(Picture picture, FaceFinder finder) throws DemoException {
        Window centre = Window.centred(picture.width, picture.height);
        if (!faces) {
            return new Frame(centre, Note.CENTRE);
        }
        List<Face> found = finder.find(picture);
        if (found.isEmpty()) {
            return new Frame(centre, Note.NO_FACE);
        }
        Window window = ofFace(found.get(0), zoom);
        if (window.width < LEAST_SIDE) {
            return new Frame(centre, Note.FACE_TOO_SMALL);
        }
        return new Frame(window, found.size() > 1 ? Note.SEVERAL_FACES : Note.FACE);
    }

    /** framing.face_window: CelebA's centre crop around a face, a square turned as the face is. */
    static Window ofFace(Face face, double zoom) {
        double[] crop = face.crop;
        int side = (int) Math.max(1, Math.rint(Math.hypot(crop[0], crop[1]) * zoom));
        return new Window((int) Math.floor(crop[2] + 0.5 - side / 2.0 + 0.5),
                (int) Math.floor(crop[3] + 0.5 - side / 2.0 + 0.5), side, side,
                Math.toDegrees(Math.atan2(crop[1], crop[0])));
    }
}
